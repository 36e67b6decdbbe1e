# What vetquant is built with, also included by the installed package. Finds, never downloads.
#
# Targets that rooms may name: ONNX::onnx protobuf::libprotobuf yaml-cpp nlohmann_json::nlohmann_json
# TBB::tbb PkgConfig::hwy PkgConfig::xxhash PkgConfig::sndfile PkgConfig::pcre2 CLI11::CLI11; and `onnxruntime`, the
# headers alone: the library itself is opened at run time, from a path.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)

# A folder found earlier must not outlive a new ONNX_ROOT.
if(ONNX_ROOT AND ONNX_DIR)
  cmake_path(IS_PREFIX ONNX_ROOT "${ONNX_DIR}" NORMALIZE vetquant_same_onnx)
  if(NOT vetquant_same_onnx)
    unset(ONNX_DIR CACHE)
  endif()
endif()
find_package(ONNX CONFIG QUIET)
if(NOT ONNX_FOUND)
  message(FATAL_ERROR "ONNX (1.17 or newer, static or shared, with its CMake package) was not found: run tools/setup.sh, or pass -DONNX_ROOT=")
endif()
if(ONNX_VERSION AND ONNX_VERSION VERSION_LESS 1.17)
  message(FATAL_ERROR "ONNX ${ONNX_VERSION} in ${ONNX_DIR} is too old (1.17 is the least): run tools/setup.sh, or pass -DONNX_ROOT=")
endif()

find_package(yaml-cpp CONFIG REQUIRED)
if(TARGET yaml-cpp::yaml-cpp AND NOT TARGET yaml-cpp) # its name since 0.8
  add_library(yaml-cpp INTERFACE IMPORTED)
  target_link_libraries(yaml-cpp INTERFACE yaml-cpp::yaml-cpp)
endif()
find_package(nlohmann_json 3.10 CONFIG REQUIRED)
find_package(TBB CONFIG REQUIRED)
pkg_check_modules(hwy REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(sndfile REQUIRED IMPORTED_TARGET sndfile)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
