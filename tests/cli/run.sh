#!/bin/bash
# Golden runs: tests/cli/run.sh [--update] PROGRAM FIXTURE MODELS [CASE...]
#
# A case is a folder of cases/:
#   cmd              a bash script, run in an empty folder that holds the models and the case's own files; it calls
#                    `vetquant` (the program) and `fixture` (fixture_main.cpp: reads JSON, makes huge models)
#   expected_stdout  exactly what it prints; absent: nothing
#   expected_stderr  likewise
#   expected_code    its exit code; absent: 0
# A case that cannot run here says why on stderr and exits with 77: it is skipped, and so is a run of nothing else.
# --update writes what came out in place of what was expected; look at the diff before you commit it.
# Whatever a case does, no temporary file of vetquant may be left.
set -u

update=no
if [ "${1:-}" = --update ]; then update=yes; shift; fi
if [ $# -lt 3 ]; then sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2; fi
program=$(realpath "$1") fixture=$(realpath "$2") models=$(realpath "$3")
shift 3
here=$(dirname "$(realpath "$0")")
[ $# -gt 0 ] || set -- $(ls "$here/cases")

work=
cleanup() { [ -z "$work" ] || rm -rf "$work"; }
trap cleanup EXIT

# Names of folders and of the program differ between machines.
neutral() { sed -e "s#$work/run#FOLDER#g" -e "s#$work#WORK#g" "$1"; }

compare() {  # NAME WANTED-FILE GOT-FILE
  local wanted=$2
  [ -e "$wanted" ] || wanted=/dev/null
  diff -u --label "expected $1" --label "what came" "$wanted" "$3" && return 0
  [ $update = yes ] || return 1
  if [ -s "$3" ]; then cp "$3" "$2"; else rm -f "$2"; fi
}

run_case() {
  local case=$1 dir=$here/cases/$1 failed=0
  work=$(mktemp -d "${TMPDIR:-/tmp}/vetquant-cli-XXXXXX")
  mkdir "$work/bin" "$work/run"
  ln -s "$program" "$work/bin/vetquant"
  ln -s "$fixture" "$work/bin/fixture"
  cp -r "$models/." "$work/run/"
  find "$dir" -maxdepth 1 -type f ! -name cmd ! -name 'expected_*' -exec cp {} "$work/run/" \;
  (cd "$work/run" && PATH=$work/bin:$PATH LC_ALL=C.UTF-8 XDG_CACHE_HOME=$work/cache bash "$dir/cmd" >"$work/stdout" 2>"$work/stderr")
  local code=$?
  if [ $code = 77 ]; then
    echo "skipped: $case: $(cat "$work/stderr")"
    skipped=$((skipped + 1))
    rm -rf "$work"
    work=
    return 0
  fi
  for stream in stdout stderr; do
    neutral "$work/$stream" >"$work/$stream.neutral"
    compare $stream "$dir/expected_$stream" "$work/$stream.neutral" || failed=1
  done
  local wanted_code=0
  [ ! -e "$dir/expected_code" ] || wanted_code=$(cat "$dir/expected_code")
  if [ "$code" != "$wanted_code" ]; then
    if [ $update = yes ]; then echo "$code" >"$dir/expected_code"; else echo "exit code $code, expected $wanted_code"; failed=1; fi
  fi
  local left
  left=$(find "$work/run" -name '.*vetquant*.tmp')
  if [ -n "$left" ]; then echo "left behind: $left"; failed=1; fi
  rm -rf "$work"
  work=
  return $failed
}

failures=0 skipped=0
for case; do
  if [ ! -f "$here/cases/$case/cmd" ]; then echo "$case: no such case"; failures=$((failures + 1)); continue; fi
  run_case "$case" || { echo "FAILED: $case"; failures=$((failures + 1)); }
done
[ $failures = 0 ] || exit 1
[ $skipped = $# ] && exit 77
exit 0
