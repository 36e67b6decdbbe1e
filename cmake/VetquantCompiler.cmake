# How every target of ours is compiled.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG" CACHE STRING "")
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

find_program(VETQUANT_CCACHE ccache)
if(VETQUANT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # It keeps what is compiled with precompiled headers only if told that these macros may be taken as read.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${VETQUANT_CCACHE})
endif()

function(vetquant_compile target)
  # Results must not depend on whether the processor fuses a*b+c; nor may the program hold the path it was built at.
  target_compile_options(${target} PRIVATE
    -ffp-contract=off -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -fvisibility-inlines-hidden
    -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wvla -Wimplicit-fallthrough
    -Wcast-align -Wpointer-arith -Wmissing-declarations -Wredundant-decls
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wno-restrict>) # -Wrestrict: GCC bug 105651
  if(VETQUANT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(VETQUANT_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${VETQUANT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
      $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds>) # misfire when instrumented
    target_link_options(${target} PRIVATE -fsanitize=${VETQUANT_SANITIZE})
  endif()
endfunction()

# vetquant_precompile(TARGET [HEADERS <h>...] [REUSE OTHER]): headers of others that most sources of the target include, read once
# for all. GCC only; clang-tidy could not read its form of them.
function(vetquant_precompile target)
  cmake_parse_arguments(arg "" "REUSE" "HEADERS" ${ARGN})
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU OR CMAKE_CXX_CLANG_TIDY)
    return()
  endif()
  # The first for ccache; the others misfire in std::string once it comes precompiled (as GCC bug 105651).
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess -Wno-array-bounds -Wno-stringop-overflow>)
  if(arg_REUSE)
    target_precompile_headers(${target} REUSE_FROM ${arg_REUSE})
  else()
    target_precompile_headers(${target} PRIVATE ${arg_HEADERS})
  endif()
endfunction()
