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
find_package(ZLIB REQUIRED)

# Small libraries under permissive licences are taken from their archives where the system has them: each shared
# library less makes every start of the program shorter. protobuf only if ONNX is an archive, too: two copies would not know each other.
option(VETQUANT_STATIC_LIBRARIES "Link protobuf, yaml-cpp, xxHash, PCRE2 and zlib statically where their archives are found" ON)
function(vetquant_prefer_archive target name) # from the folder that its shared library was found in
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY") # pkg-config's
    set(properties INTERFACE_LINK_LIBRARIES)
  else()
    get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
    list(TRANSFORM configurations PREPEND IMPORTED_LOCATION_ OUTPUT_VARIABLE properties)
    list(APPEND properties IMPORTED_LOCATION)
  endif()
  foreach(property IN LISTS properties)
    get_target_property(shared ${target} ${property})
    if(shared MATCHES "/lib${name}\\.so[.0-9]*$")
      cmake_path(REPLACE_FILENAME shared lib${name}.a OUTPUT_VARIABLE archive)
      if(EXISTS ${archive})
        set_property(TARGET ${target} PROPERTY ${property} ${archive})
      endif()
    endif()
  endforeach()
endfunction()
if(VETQUANT_STATIC_LIBRARIES)
  get_target_property(vetquant_onnx_type ONNX::onnx TYPE)
  if(vetquant_onnx_type STREQUAL "STATIC_LIBRARY")
    vetquant_prefer_archive(protobuf::libprotobuf protobuf)
    set_property(TARGET protobuf::libprotobuf APPEND PROPERTY INTERFACE_LINK_LIBRARIES ZLIB::ZLIB Threads::Threads)
  endif()
  vetquant_prefer_archive(yaml-cpp yaml-cpp)
  vetquant_prefer_archive(PkgConfig::xxhash xxhash)
  vetquant_prefer_archive(PkgConfig::pcre2 pcre2-8)
  vetquant_prefer_archive(ZLIB::ZLIB z)
endif()
