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
  set(CMAKE_CXX_COMPILER_LAUNCHER ${VETQUANT_CCACHE})
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
