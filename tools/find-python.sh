#!/bin/sh
# Print a Python interpreter that really runs, or nothing (exit 1).
#   find-python.sh          $PYTHON, else the newest of 3.13, 3.12, 3.11, python3 that is at least 3.11
#   find-python.sh 3.13     exactly that version, also among the interpreters of pyenv and uv
# A name on PATH proves nothing: version managers leave stubs there that only print an error.
set -u

runs() { # interpreter, condition over sys.version_info
  "$1" -c "import sys; v = sys.version_info[:2]; sys.exit(not ($2))" >/dev/null 2>&1
}

if [ $# -eq 0 ]; then
  if [ -n "${PYTHON:-}" ]; then
    runs "$PYTHON" 'v >= (3, 11)' && echo "$PYTHON" && exit 0
    echo "PYTHON=$PYTHON does not run or is older than 3.11. Give the path of one that does, or none to have one found." >&2
    exit 1
  fi
  for candidate in python3.13 python3.12 python3.11 python3; do
    runs "$candidate" 'v >= (3, 11)' && command -v "$candidate" && exit 0
  done
  exit 1
fi

wanted=$1
for candidate in "python$wanted" \
  "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$wanted"*/bin/"python$wanted" \
  "${XDG_DATA_HOME:-$HOME/.local/share}"/uv/python/cpython-"$wanted"*/bin/"python$wanted"; do
  runs "$candidate" "'%d.%d' % v == '$wanted'" && command -v "$candidate" && exit 0
done
exit 1
