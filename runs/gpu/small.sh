#!/bin/sh
# Train `small` on a machine with one GPU that is lent for minutes, has PyTorch and Accelerate, and no network.
#
#   sh runs/gpu/small.sh OUT SECONDS [make variables]
#
# Call it again, on the same machine, until it says 'small is trained': every stage continues where it stopped (work/small/*.done, work/*_small).
# After SECONDS, trainings save their state and stop. What is worth keeping lies in OUT/small.tar.* (15 MB each; cat them together): weights, records, pictures.
# Missing packages: wheels in .gpu/wheels. The text encoder is not needed: .gpu/words holds features.json, text.npy and text_mask.npy
# of features made from the same corpus (as many CLIPS, seed 3) elsewhere, at any size.
#
# Rehearsal without a GPU, in minutes:
#   sh runs/gpu/small.sh /tmp/out 900 GPU= PARTS=2 CLIPS=48 RECORD=2 VAE_MINUTES=1 BASE_MINUTES=1 ONLINE_MINUTES=4 EYE_MINUTES=1 ONLINE_ARGS='--size 1' BASE_ARGS='--tokens 1792'
set -e
[ $# -ge 2 ] || { echo 'usage: sh runs/gpu/small.sh OUT SECONDS [make variables]' >&2; exit 2; }
out=$1 seconds=$2; shift 2
mkdir -p "$out" work/small
if [ -d .gpu/wheels ] && [ ! -d /tmp/lpm_site ]; then python3 -m pip install -q --no-index --no-deps --no-compile --target /tmp/lpm_site .gpu/wheels/*.whl; fi
[ -d /tmp/lpm_site ] && export PYTHONPATH=/tmp/lpm_site${PYTHONPATH:+:$PYTHONPATH}
[ -d .gpu/words ] && words=WORDS=.gpu/words
bin=$(python3 -c 'import os, sys; print(os.path.dirname(sys.executable))')
rc=0
timeout -s TERM "$seconds" make train SETUP=no BIN="$bin" PY=python3 CONFIG=small GPU=1 PARTS=16 RECORD=15 VAE_MINUTES=6 EYE_MINUTES=2 BASE_MINUTES=9 ONLINE_MINUTES=8 $words "$@" || rc=$?
case $rc in
  0) echo 'small is trained' ;;
  124) rc=0; sleep 15; echo 'time is up, call again' ;;      # whoever was stopped has written its state
  *) echo "make train failed ($rc), see above" >&2 ;;
esac
keep=$(ls -d work/small/weights work/probe/*small* runs/*_small.json 2> /dev/null) || true
[ -z "$keep" ] || tar c $keep | split -b 15000000 - "$out/small.tar."
ls -l "$out"
exit $rc
