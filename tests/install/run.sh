#!/usr/bin/env bash
# Installs build/ into a temporary prefix, runs the program from there with nothing but what was installed, and builds
# and runs a program of somebody else's that uses the library by find_package.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$root/build" --prefix "$work/there" >"$work/log" || { cat "$work/log" >&2; exit 1; }
mv "$work/there" "$work/moved" # it may not depend on where it was installed first
env -u VETQUANT_ONNXRUNTIME_LIB "$work/moved/bin/vetquant" version
[[ -s $work/moved/lib/vetquant/libonnxruntime.so ]] || { echo "ONNX Runtime was not installed beside the program" >&2; exit 1; }

onnx_root=$(sed -n 's/^ONNX_DIR:[A-Z]*=\(.*\)\/lib[^/]*\/cmake\/ONNX$/\1/p' "$root/build/CMakeCache.txt")
cmake -S "$here/consumer" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/moved" -DONNX_ROOT="$onnx_root" >"$work/log" ||
  { cat "$work/log" >&2; exit 1; }
cmake --build "$work/build"
"$work/build/consumer"
