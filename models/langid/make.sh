#!/bin/sh
# Makes langid.onnx and its test sets from the texts: synthesizers from Debian 12, Python packages from PyPI.
#
#   models/langid/make.sh FOLDER      6 hours of training (estimated from its pieces) after some 20 minutes, 8 GB in FOLDER; finished steps are not done again
#
# The repository holds the result; nobody needs to run this to use it. Needs root (or sudo) only to install packages,
# and Debian's components contrib and non-free (MBROLA, svox pico).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: make.sh FOLDER}"
work=$(cd "$1" && pwd)

packages="python3-venv espeak-ng mbrola libttspico-utils"
for voice in cz2 de1 de2 de3 de5 de6 de7 us1 us2 us3 en1 es1 es2 es3 es4 mx1 mx2 vz1 it1 it2 it3 it4 fr1 fr2 fr3 fr4 fr5 fr6 fr7 ca1 ca2 br1 br2 br3 br4 pt1 pl1 hu1 cr1 ro1; do
  packages="$packages mbrola-$voice"
done
packages="$packages festival festival-czech festlex-cmu festlex-poslex festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts festvox-italp16k"
packages="$packages festlex-ifd festvox-itapc16k festvox-ru"
for voice in dita krb machac ph; do packages="$packages festvox-czech-$voice"; done
for program in espeak-ng mbrola pico2wave festival; do
  command -v $program >/dev/null || missing=yes
done
if [ "${missing:-}" = yes ]; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  # shellcheck disable=SC2086  # word splitting wanted
  $sudo apt-get install -y --no-install-recommends $packages
fi

[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q -r "$here/requirements.txt"
python="$work/venv/bin/python"
cd "$here"
"$python" sound.py --out "$work/sound"
"$python" features.py --out "$work/features"
"$python" make_sets.py --sound "$work/sound"
[ -f "$work/model.pt" ] || "$python" train.py --features "$work/features" --out "$work/model.pt" --dev dev.yaml --steps 67000 \
  --strength 0.5 --strength-few 0.8
"$python" export.py --weights "$work/model.pt" --out langid.onnx
"$python" evaluate.py test.yaml langid.onnx
"$python" evaluate.py heldout.yaml langid.onnx
