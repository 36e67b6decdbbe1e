#include "vetquant/runtime/library.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "runtime/support.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

ErrorCode code_of(const std::function<void()>& action, std::string* text = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (text) *text = error.what();
    return error.code();
  }
  return ErrorCode{};
}

TEST(Library, EnvironmentNamesTheLibraryAndItsVersionIsTold) {
  const auto library = RuntimeLibrary::open(find_runtime_library());
  EXPECT_EQ(library->version().substr(0, 2), "1.");
}

TEST(Library, AFolderStandsForTheLibraryInIt) {
  const auto path = find_runtime_library();
  EXPECT_EQ(find_runtime_library(path.parent_path()), path.parent_path() / "libonnxruntime.so");
  EXPECT_EQ(find_runtime_library(path.parent_path().parent_path()), path);
}

TEST(Library, AWishThatIsNotThereIsAUsageErrorThatNamesIt) {
  std::string text;
  EXPECT_EQ(code_of([] { find_runtime_library("/nowhere/libonnxruntime.so"); }, &text), ErrorCode::kUsage);
  EXPECT_NE(text.find("/nowhere/libonnxruntime.so"), std::string::npos) << text;
}

TEST(Library, SomethingElseIsNotTakenForTheRuntime) {
  test::TempFolder folder;
  const auto path = folder.write("libonnxruntime.so", "this is text");
  std::string text;
  EXPECT_EQ(code_of([&] { RuntimeLibrary::open(path); }, &text), ErrorCode::kUsage);
  EXPECT_NE(text.find("cannot be loaded"), std::string::npos) << text;
  EXPECT_EQ(code_of([] { RuntimeLibrary::open("/usr/lib/x86_64-linux-gnu/libm.so.6"); }, &text), ErrorCode::kUsage);
}

}  // namespace
}  // namespace vetquant
