#!/usr/bin/env bash
# From a bare machine to a result you can look at: sets up, builds, and shows what the program does. Its model part, the
# comparison of models/langid under several policies, is tools/demo_models.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/setup.sh
cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
cmake --build --preset release --target vetquant
build/vetquant version
