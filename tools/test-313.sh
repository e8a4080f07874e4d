#!/bin/sh
# Run the tests that can tell one Python from another under 3.13 (Raspberry Pi OS Trixie), in an environment of its own,
# or say aloud that nothing was proven there.
#   test-313.sh [PYTEST ARGUMENT...]
set -eu
tools=$(dirname "$0")
folder=.venv-3.13

if .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))'; then
  echo 'Python 3.13 is the Python of .venv: proven by the tests there.'
  exit 0
fi
if ! "$folder/bin/python" -c 'import pip' >/dev/null 2>&1; then
  if ! python=$("$tools/find-python.sh" 3.13); then
    echo '******** python3.13 not found: not proven on 3.13 here ********'
    exit 0
  fi
  sh "$tools/venv.sh" "$folder" "$python"
fi
if ! cmp -s requirements/dev.txt "$folder/installed.txt"; then
  echo 'Installing the locked Python packages for 3.13 ...'
  "$folder/bin/python" -m pip --disable-pip-version-check install -qq --no-input --require-hashes -r requirements/dev.txt
  cp requirements/dev.txt "$folder/installed.txt"
fi
if ! cmp -s pyproject.toml "$folder/installed.toml"; then
  "$folder/bin/python" -m pip --disable-pip-version-check install -qq --no-input --no-deps --no-build-isolation --editable .
  cp pyproject.toml "$folder/installed.toml"
fi
echo "The same tests under $("$folder/bin/python" --version), but those in a browser, the many seeds, and some that last long:"
# Five: nothing was left to run, as when only browser tests were asked for.
"$folder/bin/python" "$tools/lanes.py" --leave-out 'browser or seeds or once' "$@" || { status=$?; [ "$status" -eq 5 ] || exit "$status"; }
