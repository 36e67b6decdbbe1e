# Tests and fuzz targets.
if(NOT VETQUANT_TESTS AND NOT VETQUANT_FUZZERS)
  return()
endif()
if(VETQUANT_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
  # A third of a test's compile time is reading these headers.
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/test_headers.cpp CONTENT "int main() {}\n")
  add_executable(vetquant_test_headers ${PROJECT_BINARY_DIR}/test_headers.cpp)
  vetquant_compile(vetquant_test_headers)
  target_link_libraries(vetquant_test_headers PRIVATE GTest::gmock ONNX::onnx)
  vetquant_precompile(vetquant_test_headers HEADERS <gmock/gmock.h> <gtest/gtest.h> <onnx/onnx_pb.h> <filesystem> <map>)
endif()

# Where tests find what is not compiled in. VETQUANT_REAL_MODELS comes from the caller's own environment.
set(VETQUANT_TEST_ENVIRONMENT
  "VETQUANT_ONNXRUNTIME_LIB=${VETQUANT_ONNXRUNTIME}/lib/libonnxruntime.so"
  "VETQUANT_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
  "VETQUANT_PROGRAM=${PROJECT_BINARY_DIR}/vetquant"
  # libonnx, libprotobuf and ONNX Runtime are not instrumented: containers that cross the border look overflown.
  "ASAN_OPTIONS=detect_container_overflow=0"
  "UBSAN_OPTIONS=print_stacktrace=1")

# vetquant_test(NAME quant SOURCES rtn_test.cpp ... [LINKS room-or-library ...] [TIMEOUT seconds])
# One GoogleTest program per room, build/tests/vetquant_<name>_test. It sees the room, its private headers (src/<room>),
# the rooms below, and tests/ (so "support/x.h"). Label: the name.
function(vetquant_test)
  if(NOT VETQUANT_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "NAME;TIMEOUT" "SOURCES;LINKS" ${ARGN})
  set(target vetquant_${arg_NAME}_test)
  add_executable(${target} ${arg_SOURCES})
  vetquant_compile(${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if(arg_NAME IN_LIST VETQUANT_ROOMS)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src/${arg_NAME})
    vetquant_link(${target} PRIVATE 9 ${arg_NAME})
  endif()
  vetquant_link(${target} PRIVATE 9 ${arg_LINKS})
  if(TARGET vetquant_test_support)
    target_link_libraries(${target} PRIVATE vetquant_test_support)
  endif()
  target_link_libraries(${target} PRIVATE GTest::gmock GTest::gtest_main)
  vetquant_precompile(${target} REUSE vetquant_test_headers)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(VETQUANT_SANITIZE)
    # One process for the whole suite: a sanitized one takes too long to start to be started for each test.
    add_test(NAME ${arg_NAME} COMMAND ${target} --gtest_brief=1)
    set_tests_properties(${arg_NAME} PROPERTIES
      LABELS ${arg_NAME} TIMEOUT 900 ENVIRONMENT "${VETQUANT_TEST_ENVIRONMENT}")
  else()
    # gtest_discover_tests takes no list as a property: one variable, and the source folder to run in.
    list(GET VETQUANT_TEST_ENVIRONMENT 0 runtime)
    gtest_discover_tests(${target} TEST_PREFIX "${arg_NAME}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
      PROPERTIES LABELS ${arg_NAME} TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${runtime}")
  endif()
endfunction()

# vetquant_fuzzer(NAME loader SOURCES loader_fuzz.cpp LINKS model): build/fuzz/<name>_fuzz from LLVMFuzzerTestOneInput.
# With Clang and `fuzzer-no-link` among VETQUANT_SANITIZE (preset fuzz) it is a libFuzzer program. Else it gets a driver
# that replays its corpus, tests/fuzz/corpus/<name>/*, and mutations of it from a fixed seed; a test does that.
function(vetquant_fuzzer)
  if(NOT VETQUANT_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(arg "" "NAME" "SOURCES;LINKS" ${ARGN})
  set(target ${arg_NAME}_fuzz)
  add_executable(${target} ${arg_SOURCES})
  vetquant_compile(${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  vetquant_link(${target} PRIVATE 9 ${arg_LINKS})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND VETQUANT_SANITIZE MATCHES fuzzer-no-link)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
    if(VETQUANT_TESTS)
      add_test(NAME fuzz.replay.${arg_NAME} COMMAND ${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${arg_NAME})
      set_tests_properties(fuzz.replay.${arg_NAME} PROPERTIES
        LABELS fuzz TIMEOUT 300 ENVIRONMENT "${VETQUANT_TEST_ENVIRONMENT}")
    endif()
  endif()
endfunction()
