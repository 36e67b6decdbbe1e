#!/usr/bin/env bash
# Gets everything that vetquant is built with, on a Debian-like system, and says where it lies.
#
#   tools/setup.sh            what the build and its GoogleTest suites need
#   tools/setup.sh --tests    also what tools/test.sh needs (clang: fuzzers, clang-tidy, clang-format; jsonschema, numpy)
#
# Runs as root or with sudo, as often as you like: what is there already is left alone, and a second run needs no network.
# Distribution packages come from apt. Everything else is pinned below by version and SHA-256 and kept, built, in
# ${VETQUANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vetquant}, in folders named by a hash of what they were built from.
# In the tree it writes one ignored file, build/deps.cmake, by which plain `cmake --preset release` finds it all.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/cache.sh
source "$root/tools/cache.sh"

onnx_version=1.23.2
onnx_sha256=008cb0467b2bbee41448acc7da8b6f4e704624cb0d327a2d5adafc7ce19bc5b8
ort_version=1.32.0
ort_header_module=github.com/yalue/onnxruntime_go@v1.27.0
ort_header_sha256=(
  onnxruntime_c_api.h    9ed0d7054a4e74249467365b25b415d36f51a44a6349e2a994a1812e4723d1e2
  onnxruntime_ep_c_api.h e94ac3490697bdb107844fa9d403952ee7136134132a057eae5c1207b57ce352
)
cmake_version=3.31.6 # only to build ONNX, which wants 3.26; vetquant itself builds with Debian 12's 3.25
# pip builds a source archive's metadata before it hands the archive over; these are what ONNX's metadata needs for that.
onnx_metadata_tools=(
  scikit-build-core==1.1.2 7f4f959a467692db50bdd1ea7ce1507f2c7972e6023b753ee302d169bc4cec85
  packaging==26.3          d7193f7c8e4e93f444fde0262bf90af30e16fa0ad0ad44cb553c87339b23cd1c
  pathspec==1.1.1          a00ce642f577bf7f473932318056212bc4f8bfdf53128c78bbd5af0b9b20b189
)
case $(uname -m) in
  x86_64)
    ort_sha256=99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8
    cmake_sha256=1c8b05df0602365da91ee6a3336fe57525b137706c4ab5675498f662ae1dbcec
    ;;
  aarch64)
    ort_sha256=e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054
    cmake_sha256=42d9883b8958da285d53d5f69d40d9650c2d1bcf922d82b3ebdceb2b3a7d4521
    ;;
  *)
    echo "setup: no pinned ONNX Runtime for $(uname -m); configure by hand with -DONNX_ROOT= and -DVETQUANT_ONNXRUNTIME=" >&2
    exit 2
    ;;
esac

build_packages=(
  build-essential ccache cmake ninja-build pkg-config
  libcli11-dev libgmock-dev libgtest-dev libhwy-dev libprotobuf-dev libsndfile1-dev
  libpcre2-dev libtbb-dev libxxhash-dev libyaml-cpp-dev nlohmann-json3-dev protobuf-compiler
)
test_packages=(clang-16 clang-format-16 clang-tidy-16 libclang-rt-16-dev python3-jsonschema python3-numpy)
fetch_packages=(ca-certificates python3 python3-pip python3-venv util-linux)

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }
not_made() { # NAME LOG
  tail -40 "$2" >&2
  die "$1 could not be made (the end of its log is above)"
}

installed() { dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^.i'; }

install_packages() { # the packages that are missing among the arguments
  local missing=() package sudo=()
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [[ ${#missing[@]} -eq 0 ]] && return
  command -v apt-get >/dev/null || die "no apt-get here; please install by hand what corresponds to: ${missing[*]}"
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || die "neither root nor sudo; please have installed: ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing ${missing[*]}"
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600)
  "${apt[@]}" update >&2
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2
}

make_cmake() {
  local arch
  arch=$(uname -m)
  pip_get "cmake==$cmake_version" "$cmake_sha256" got --only-binary=:all: --python-version 3.12 \
    --platform "manylinux_2_17_$arch" --platform "manylinux2014_$arch"
  python -m zipfile -e got/*.whl unpacked
  mv unpacked/cmake/data/* "$1"
  chmod +x "$1"/bin/*
}

make_onnx() {
  local i
  PATH=$(dirname "$onnx_cmake"):$PATH # the metadata tools look for CMake
  : >requirements.txt
  for ((i = 0; i < ${#onnx_metadata_tools[@]}; i += 2)); do
    echo "${onnx_metadata_tools[i]} --hash=sha256:${onnx_metadata_tools[i + 1]}" >>requirements.txt
  done
  python -m pip install -q --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: --require-hashes -r requirements.txt
  pip_get "onnx==$onnx_version" "$onnx_sha256" got --no-binary=onnx --no-build-isolation
  tar xzf "got/onnx-$onnx_version.tar.gz"
  "$onnx_cmake" -S "onnx-$onnx_version" -B build -G Ninja "${onnx_flags[@]}" \
    -DCMAKE_INSTALL_PREFIX="$1" -DCMAKE_CXX_FLAGS="-ffile-prefix-map=$PWD=onnx" -DFETCHCONTENT_FULLY_DISCONNECTED=ON
  "$onnx_cmake" --build build
  "$onnx_cmake" --install build
  cp "onnx-$onnx_version/LICENSE" "$1/"
}

make_onnxruntime() {
  local i header arch modules=$PWD/modules
  arch=$(uname -m)
  pip_get "onnxruntime==$ort_version" "$ort_sha256" got --only-binary=:all: --python-version 3.12 --implementation cp \
    --abi cp312 --platform "manylinux_2_27_$arch" --platform "manylinux_2_28_$arch"
  python -m zipfile -e got/*.whl unpacked
  mkdir "$1/lib" "$1/include"
  cp "unpacked/onnxruntime/capi/libonnxruntime.so.$ort_version" "$1/lib/"
  ln -s "libonnxruntime.so.$ort_version" "$1/lib/libonnxruntime.so.1"
  ln -s "libonnxruntime.so.$ort_version" "$1/lib/libonnxruntime.so"
  cp unpacked/onnxruntime/LICENSE unpacked/onnxruntime/ThirdPartyNotices.txt "$1/"
  GOMODCACHE=$modules GOFLAGS=-modcacherw GOTOOLCHAIN=local go mod download "$ort_header_module"
  for ((i = 0; i < ${#ort_header_sha256[@]}; i += 2)); do
    header=${ort_header_sha256[i]}
    cp "$modules/$ort_header_module/$header" "$1/include/"
    echo "${ort_header_sha256[i + 1]}  $1/include/$header" | sha256sum -c
  done
}

[[ $# -eq 0 || $* == --tests ]] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
packages=("${build_packages[@]}")
[[ ${1-} == --tests ]] && packages+=("${test_packages[@]}")
install_packages "${packages[@]}"

onnx_flags=(
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF
  -DONNX_ML=ON -DONNX_BUILD_PYTHON=OFF -DONNX_BUILD_TESTS=OFF -DONNX_USE_PROTOBUF_SHARED_LIBS=ON
)
onnx=onnx-$onnx_version-$(key "$onnx_sha256" "${onnx_flags[@]}" "$(protoc --version)" "$(c++ --version | head -1)")
onnxruntime=onnxruntime-$ort_version-$(key "$ort_sha256" "$ort_header_module" "${ort_header_sha256[@]}")

if [[ ! -d $cache/$onnx || ! -d $cache/$onnxruntime ]]; then
  install_packages "${fetch_packages[@]}"
  command -v go >/dev/null || install_packages golang-go
fi
publish "$onnxruntime" make_onnxruntime
if [[ ! -d $cache/$onnx ]]; then
  onnx_cmake=$(command -v cmake)
  if ! printf '3.26\n%s\n' "$(cmake --version | sed -n '1s/[^0-9]*//p')" | sort -VC; then
    publish "cmake-$cmake_version-$(key "$cmake_sha256")" make_cmake
    onnx_cmake=$cache/cmake-$cmake_version-$(key "$cmake_sha256")/bin/cmake
  fi
  publish "$onnx" make_onnx
fi

mkdir -p "$root/build"
cat >"$root/build/deps.cmake.new" <<END
# Written by tools/setup.sh, read by CMakeLists.txt; -DONNX_ROOT= and -DVETQUANT_ONNXRUNTIME= come before it.
if(NOT ONNX_ROOT)
  set(ONNX_ROOT "$cache/$onnx")
endif()
if(NOT VETQUANT_ONNXRUNTIME)
  set(VETQUANT_ONNXRUNTIME "$cache/$onnxruntime")
endif()
END
if cmp -s "$root/build/deps.cmake.new" "$root/build/deps.cmake"; then
  rm "$root/build/deps.cmake.new"
else
  mv "$root/build/deps.cmake.new" "$root/build/deps.cmake"
fi
say "ready: -DONNX_ROOT=$cache/$onnx -DVETQUANT_ONNXRUNTIME=$cache/$onnxruntime"
