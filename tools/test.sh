#!/usr/bin/env bash
# All tests, from a bare machine: sets up, builds and tests the optimized program, then the rooms that read files and the
# numeric one again under AddressSanitizer and UndefinedBehaviorSanitizer, then fuzzes the loader and the policy parser for
# a while.
#
#   tools/test.sh                 everything, as CI does
#   tools/test.sh release asan    some stages of: format release install asan fuzz tidy (tidy is not in the default)
#
# VETQUANT_FUZZ_SECONDS (default 60) bounds each fuzz target. VETQUANT_REAL_MODELS names a folder of real models; without
# it ../shared/realmodels is used if it is there, else the tests that want them are skipped, visibly.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fuzz_seconds=${VETQUANT_FUZZ_SECONDS:-60}
jobs=${VETQUANT_JOBS:-$(nproc)}
# Rooms that read what others wrote, and the numeric one: their tests run once more under the sanitizers.
checked_rooms=(core model policy quant emit write eval pipeline)

# What set-up installed is there: no test may be skipped for want of it.
export VETQUANT_TESTS_COMPLETE=1

if [[ -z ${VETQUANT_REAL_MODELS-} && -d ../shared/realmodels ]]; then
  VETQUANT_REAL_MODELS=$(cd ../shared/realmodels && pwd)
  export VETQUANT_REAL_MODELS
fi

stage() { printf '\n== %s (%s s so far)\n' "$*" "$SECONDS"; }

configure() { # PRESET OPTION...: cmake's own messages only if it fails
  local log
  log=$(mktemp)
  cmake --preset "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; return 1; }
  grep -A3 -i warning "$log" >&2 || true
  rm -f "$log"
}

run_release() {
  stage "optimized build"
  configure release
  cmake --build --preset release -j "$jobs"
  stage "tests"
  ctest --preset release -j "$jobs" --output-on-failure --progress --no-tests=error
}

run_install() {
  stage "installed program and package"
  tests/install/run.sh
}

run_asan() {
  local targets=() room fuzz regex
  stage "sanitizer build of ${checked_rooms[*]} and of the fuzz targets"
  configure asan
  for room in "${checked_rooms[@]}"; do
    [[ -f tests/$room/CMakeLists.txt ]] && targets+=("vetquant_${room}_test")
  done
  for fuzz in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$fuzz" .cpp)"); done
  cmake --build --preset asan -j "$jobs" --target "${targets[@]}"
  stage "sanitizer tests"
  regex=$(IFS='|'; echo "${checked_rooms[*]}")
  ctest --preset asan -j "$jobs" --output-on-failure -L "^($regex|fuzz)\$" --no-tests=error
}

run_fuzz() {
  local fuzz name found targets=()
  stage "fuzz targets with libFuzzer"
  configure fuzz
  for fuzz in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$fuzz" .cpp)"); done
  cmake --build --preset fuzz -j "$jobs" --target "${targets[@]}"
  found=build-fuzz/found
  mkdir -p "$found"
  for fuzz in tests/fuzz/*_fuzz.cpp; do
    name=$(basename "$fuzz" _fuzz.cpp)
    mkdir -p "$found/$name" "tests/fuzz/corpus/$name"
    stage "fuzzing $name for $fuzz_seconds s"
    ASAN_OPTIONS=detect_container_overflow=0 UBSAN_OPTIONS=print_stacktrace=1 "build-fuzz/fuzz/${name}_fuzz" \
      -max_total_time="$fuzz_seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -verbosity=0 \
      -artifact_prefix="$found/$name-" "$found/$name" "tests/fuzz/corpus/$name" 2>&1 | tail -40
  done
}

run_format() {
  stage "clang-format"
  git ls-files '*.cpp' '*.h' | xargs -r clang-format-16 --dry-run --Werror
}

run_tidy() {
  stage "clang-tidy"
  configure tidy
  cmake --build --preset tidy -j "$jobs"
}

stages=("$@")
[[ $# -gt 0 ]] || stages=(format release install asan fuzz)
for name in "${stages[@]}"; do
  [[ $name =~ ^(format|release|install|asan|fuzz|tidy)$ ]] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
done
stage "set-up"
tools/setup.sh --tests
for name in "${stages[@]}"; do "run_$name"; done
stage "all of ${stages[*]} passed"
