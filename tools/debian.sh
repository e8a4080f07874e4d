#!/bin/sh
# Install Debian packages, or say exactly what to install and fail.
#   debian.sh 'what they are for' PACKAGE...
set -eu
purpose=$1
shift
if [ "$(id -u)" -eq 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  as_root='sudo -n'
else
  as_root=none
fi
if [ "$as_root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
  {
    echo
    echo "Missing: $purpose. This account may not install it. Please run"
    echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    echo "(on a system without apt, install what these packages hold) and start again."
  } >&2
  exit 1
fi
echo "Installing $* by apt-get, for $purpose ..."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # as_root is empty or two words.
if ! { $as_root apt-get update -q && $as_root apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
  tail -n 15 "$log" >&2
  echo "apt-get could not install $*; its last lines are above." >&2
  exit 1
fi
