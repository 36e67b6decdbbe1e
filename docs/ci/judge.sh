#!/bin/bash
# Quantizes a model, judges it, and leaves reports: a step for any CI. Work is done where an input changed, and only there.
#
#   judge.sh MODEL POLICY TEST_SET OUT [GATE]...
#
# OUT gets NAME.POLICY.onnx, report.json, report.html, junit.xml and summary.md. What was done before is taken from
# $VETQUANT_CACHE, by digests of all that decides the result. BEFORE=report.json compares with an earlier build.
# Exit code: that of vetquant (0; 6: a gate failed or something got worse; ...). vetquant must be in PATH.
set -euo pipefail
if [ $# -lt 4 ]; then sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; fi
model=$1 policy=$2 set=$3 out=$4
shift 4
cache=${VETQUANT_CACHE:-$HOME/.cache/vetquant-ci}
mkdir -p "$cache" "$out"

digest() { sha256sum | cut -c1-32; }

# A lock names the model's digest and every decision of the plan, so it decides the output's bytes.
vetquant plan "$model" --policy "$policy" --lock "$out/plan.lock" --overwrite -q >/dev/null
plan=$({ vetquant --version; cat "$out/plan.lock"; } | digest)
small=$out/$(basename "$model" .onnx).$(basename "$policy" .yaml).onnx
[ -e "$cache/$plan.onnx" ] || vetquant quantize "$model" -o "$cache/$plan.onnx" --lock "$out/plan.lock" -q
cp -f "$cache/$plan.onnx" "$small"

# A test set's file names the digests of what it is made of. The runtime is part of the result, too.
judged=$({ echo "$plan"; cat "$set"; vetquant version --json; printf '%s\n' "$@"; } | digest)
if [ ! -e "$cache/$judged.code" ]; then
  gates=()
  for gate; do gates+=(--gate "$gate"); done
  code=0
  vetquant eval "$small" --baseline "$model" --test-set "$set" "${gates[@]}" \
    --report "$cache/$judged.json" --overwrite >"$out/eval.txt" || code=$?
  case $code in
    0 | 6) echo $code >"$cache/$judged.code" ;;  # a verdict; anything else is trouble, and is tried again next time
    *) exit $code ;;
  esac
fi
cp -f "$cache/$judged.json" "$out/report.json"
vetquant report render "$out/report.json" --overwrite \
  --html "$out/report.html" --junit "$out/junit.xml" --markdown "$out/summary.md"
cat "$out/summary.md"
if [ -n "${BEFORE:-}" ] && [ -e "$BEFORE" ]; then
  # Times of shared machines are no gate.
  vetquant report diff "$BEFORE" "$out/report.json" --gate-regressions --ignore latency_ms
fi
exit "$(cat "$cache/$judged.code")"
