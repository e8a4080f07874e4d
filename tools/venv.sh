#!/bin/sh
# Create the virtual environment FOLDER with INTERPRETER (found when not given), asking for Debian's venv package if needed.
#   venv.sh FOLDER [INTERPRETER]
set -eu
folder=$1
tools=$(dirname "$0")
python=${2:-$("$tools/find-python.sh" || true)}
if [ -z "$python" ]; then
  [ -z "${PYTHON:-}" ] || exit 1
  "$tools/debian.sh" 'Python 3.11 or newer' python3 python3-venv
  python=$("$tools/find-python.sh") || {
    echo "This system's Python is older than 3.11; Debian 12, Raspberry Pi OS Bookworm or newer has one." >&2
    exit 1
  }
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
  "$tools/debian.sh" "virtual environments of $python" \
    "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi
echo "Creating $folder with $("$python" --version) ..."
"$python" -m venv --clear "$folder"
