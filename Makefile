# Everything a newcomer types. `make` alone lists it.
# Works with GNU make and a POSIX shell; needs git, make, Python >= 3.11 and Node, and asks apt-get for what is missing.

VENV := .venv
PY := $(VENV)/bin/python
PIP_INSTALL = -m pip --disable-pip-version-check install -qq --no-input
CATALOGUES := $(wildcard texts/locale/*/LC_MESSAGES/*.po)
COMPILED := $(CATALOGUES:.po=.mo)
# What `make check` reads.
CODE := ongi.py $(wildcard rules protocol texts edge drivers central sim benchmarks tests tools)
PYTEST_ARGS ?=

.PHONY: help setup system run test test-setup test-313 check check-messages lock messages bench clean
.DELETE_ON_ERROR:

help:
	@echo 'make run            set up, then center, gateway and one simulated home; Ctrl-C stops all'
	@echo '                    HOME_CSV=PATH plays a recorded home; DAY=YYYY-MM-DD COLLAPSE=HH:MM|none LANGUAGE=en'
	@echo '                    PORT=8080 COAP_PORT=5683 DATA=FOLDER, all three others for a second one beside it'
	@echo 'make test           set up and run every test (PYTEST_ARGS="tests/rules -k leak" for some)'
	@echo 'make check          ruff, mypy, import arrows, catalogues'
	@echo 'make bench          the benchmarks, as JSON'
	@echo 'make setup          only set up; does nothing when nothing changed'
	@echo 'make test-313       the tests that can tell one Python from another under 3.13'
	@echo 'make messages       collect new texts into texts/locale'
	@echo 'make lock           write the locked requirements anew with the newest allowed versions'
	@echo 'make clean          remove what these targets made'

# ---------------------------------------------------------------- set-up

# An environment whose interpreter is gone (system upgrade, moved folder) is made again.
ifneq ($(wildcard $(VENV)/.made),)
ifneq ($(shell $(PY) -c 'import pip; print("runs")' 2>/dev/null),runs)
$(shell rm -f $(VENV)/.made)
endif
endif

# System packages first: they are quick, so an account that may not install them hears so at once.
setup: system node_modules/.package-lock.json $(VENV)/.installed $(COMPILED)

system:
	@command -v dbus-daemon >/dev/null 2>&1 || sh tools/debian.sh 'the virtual Bluetooth of simulated homes' dbus-daemon

$(VENV)/.made:
	@sh tools/venv.sh $(VENV)
	@touch $@

$(VENV)/.requirements: requirements/dev.txt $(VENV)/.made
	@echo 'Installing the locked Python packages (a minute or two the first time) ...'
	@$(PY) $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# Editable: the code runs from this folder, only the `ongi` command and its metadata are installed.
$(VENV)/.installed: pyproject.toml $(VENV)/.requirements
	@echo 'Installing the ongi command ...'
	@$(PY) $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json .npmrc
	@command -v npm >/dev/null 2>&1 && node --version >/dev/null 2>&1 || sh tools/debian.sh 'the console in the browser' nodejs npm
	@echo 'Installing the browser assets ...'
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

%.mo: %.po $(VENV)/.requirements
	@$(VENV)/bin/pybabel --quiet compile --input-file=$< --output-file=$@
	@touch $@

# ---------------------------------------------------------------- run

given = $(if $($(1)),--$(2) '$(subst ','\'',$($(1)))')
# Only from the command line: shells keep a list of gettext's in a variable of this name.
language = $(if $(filter command%,$(origin LANGUAGE)),$(call given,LANGUAGE,language))

run: setup
	@exec $(PY) -m sim run $(call given,HOME_CSV,home-csv) $(call given,DAY,day) $(call given,COLLAPSE,collapse) \
	  $(call given,PORT,port) $(call given,COAP_PORT,coap-port) $(call given,DATA,data) $(language)

bench: setup
	@exec $(PY) -m benchmarks.gateway --json

# ---------------------------------------------------------------- prove

# A browser, and a font with Hangul so that screenshots show what a person would see.
test-setup: setup
	@command -v chromium >/dev/null 2>&1 || sh tools/debian.sh 'the tests of the console' chromium
	@[ -n "$$(fc-list :lang=ko family 2>/dev/null)" ] || sh tools/debian.sh 'Hangul in screenshots' fontconfig fonts-noto-cjk
	@command -v strace >/dev/null 2>&1 || sh tools/debian.sh 'disk faults in tests' strace || echo 'Tests with strace are skipped.'
	@ls /usr/bin/coap-client* >/dev/null 2>&1 || sh tools/debian.sh 'a CoAP peer in tests' libcoap3-bin || echo 'Tests with it are skipped.'

test: test-setup
	$(PY) tools/lanes.py $(PYTEST_ARGS)
	@$(MAKE) --no-print-directory test-313

test-313: setup
	@sh tools/test-313.sh $(PYTEST_ARGS)

check: setup
	$(VENV)/bin/ruff check $(CODE)
	$(VENV)/bin/ruff format --check $(CODE)
	$(VENV)/bin/mypy $(CODE)
	$(VENV)/bin/lint-imports --no-logo
	$(PY) tools/messages.py --check

# ---------------------------------------------------------------- upkeep

COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python $(PY) --python-version 3.11 --no-python-downloads \
  --generate-hashes --no-emit-index-url --no-header --upgrade pyproject.toml

EVERY_RADIO := --extra ble --extra proxies --extra xiaomi --extra switchbot

lock: $(VENV)/.requirements
	$(COMPILE) $(EVERY_RADIO) --extra center --group dev --output-file requirements/dev.txt
	$(COMPILE) --group build --constraint requirements/dev.txt --output-file requirements/gateway.txt
	$(COMPILE) --extra ble --group build --constraint requirements/dev.txt --output-file requirements/gateway-ble.txt
	$(COMPILE) $(EVERY_RADIO) --group build --constraint requirements/dev.txt --output-file requirements/gateway-radios.txt
	$(COMPILE) --extra center --group build --constraint requirements/dev.txt --output-file requirements/center.txt

messages: $(VENV)/.installed
	$(PY) tools/messages.py

clean:
	rm -rf $(VENV) .venv-3.13 node_modules build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f $(COMPILED)
