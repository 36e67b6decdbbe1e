#!/usr/bin/env bash
# From a bare machine to a result that you can look at: sets up, builds, quantizes the language identifier in models/langid
# by three presets and one hand-written policy, judges all of them on clips that it never heard, and names the reports.
#
#   tools/demo.sh [FOLDER]                      results go to FOLDER (default: build/demo)
#   tools/demo.sh --system [--quick] [FOLDER]   the whole dictation system (models/veterinary.yaml) instead: gets Whisper tiny.en and
#                                               SmolLM2-135M (164 MB), quantizes all three models and judges them on their test sets,
#                                               which takes hours; --quick: on a part of them, in minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
system= quick=()
if [ "${1:-}" = --system ]; then
  system=yes
  shift
  if [ "${1:-}" = --quick ]; then quick=(--quick); shift; fi
fi
case ${1:-} in -*) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
out=${1:-build/demo}

tools/setup.sh
cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
cmake --build --preset release --target vetquant
vetquant=build/vetquant
model=models/langid/langid.onnx
mkdir -p "$out"

say() { printf '\n== %s\n' "$*"; }

if [ -n "$system" ]; then
  say "the large models"
  models/fetch.sh
  say "vetquant build models/veterinary.yaml ${quick[*]}"
  code=0
  "$vetquant" build models/veterinary.yaml -o "$out/system" "${quick[@]}" || code=$?  # 6: a gate failed, 7: over budget
  say "where things are"
  printf 'models, locks, reports:  %s/system\nverdict and digests:     %s/system/manifest.json\n' "$out" "$out"
  exit $code
fi

say "what is in the model"
"$vetquant" inspect "$model"

variants=()
for policy in int8 int4 fp16 models/policies/langid_hybrid.yaml; do
  name=$(basename "$policy" .yaml)
  say "vetquant quantize $model --policy $policy"
  "$vetquant" quantize "$model" -o "$out/langid.$name.onnx" --policy "$policy" --overwrite --report "$out/langid.$name.json"
  variants+=("$out/langid.$name.onnx")
done

say "judged on voices and sentences that training never saw"
"$vetquant" eval "$model" "${variants[@]}" --test-set models/langid/test.yaml --baseline "$model" \
  --report "$out/report.json" --html "$out/report.html" --overwrite

say "where things are"
printf 'models and what was done to each weight:  %s/langid.*.onnx, %s/langid.*.json\nthe comparison as data, as a page:        %s/report.json, %s/report.html\n' \
  "$out" "$out" "$out" "$out"
