#!/usr/bin/env bash
# models/fetch.sh where things go wrong: one clear line, no half result, and what was there stays. Needs no network.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

python3 -c 'import ensurepip' 2>/dev/null || { echo "skipped: python3 has no venv"; exit 77; }

# A copy of what it uses, so that models/fetched of the tree is left alone.
mkdir -p "$work/tree/models" "$work/tree/tools/bench"
cp -r "$root"/models/{fetch.sh,numpy.txt} "$work/tree/models/"
for model in whisper_tiny_en smollm2_135m; do
  mkdir "$work/tree/models/$model"
  cp "$root/models/$model"/*.py "$work/tree/models/$model/"
done
cp "$root/tools/cache.sh" "$work/tree/tools/"
cp "$root"/tools/bench/*.py "$work/tree/tools/bench/"
fetch=$work/tree/models/fetch.sh

# No index and no wheels: pip cannot get anything.
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$work/nothing"
mkdir "$work/nothing"
status=0
"$fetch" "$work/cache" 2>"$work/log" || status=$?
[[ $status -eq 1 ]] || fail "without a network: status $status"
[[ $(grep -vc '^fetch: making ' "$work/log") -eq 1 ]] || fail "more than one line: $(<"$work/log")"
grep -q '^fetch: numpy-.* could not be made: pip could not install models/numpy.txt' "$work/log" || fail "$(<"$work/log")"
[[ -z $(ls "$work/cache") ]] || fail "left: $(ls -A "$work/cache")"
[[ ! -e $work/tree/models/fetched ]] || fail "models/fetched was made"

# Killed while it works: the next run clears up what that one left.
mkdir "$work/cache/.work.killed"
"$fetch" "$work/cache" 2>/dev/null && fail "it cannot have worked"
[[ ! -e $work/cache/.work.killed ]] || fail "the work of one that was killed is still there"

"$fetch" one two 2>/dev/null && fail "two folders were taken"
status=0
"$fetch" --help >/dev/null 2>&1 || status=$?
[[ $status -eq 2 ]] || fail "--help: status $status"

# A cache that is no folder.
: >"$work/file"
status=0
"$fetch" "$work/file" 2>"$work/log" || status=$?
[[ $status -eq 5 && $(wc -l <"$work/log") -eq 1 ]] || fail "a file as cache: status $status, $(<"$work/log")"
echo "four failures"
