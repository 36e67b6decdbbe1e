#include "vetquant/core/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "support/model_builder.h"
#include "vetquant/core/output_file.h"

namespace vetquant {
namespace {

constexpr int kWentOn = 3;

// Each in a process of its own: handlers and what they set are the whole program's. (Suites so named run first.)
TEST(InterruptDeathTest, EndsTheProgramAtOnceWhileThereIsNothingToRemove) {
  EXPECT_EXIT(
      {
        interrupt::install_handlers();
        std::raise(SIGINT);
        std::_Exit(kWentOn);
      },
      testing::ExitedWithCode(130), "^vetquant: interrupted; nothing was written\n$");
}

TEST(InterruptDeathTest, IsAFlagOnceSomethingIsHeld) {
  EXPECT_EXIT(
      {
        interrupt::install_handlers();
        interrupt::hold();
        std::raise(SIGTERM);
        std::_Exit(interrupt::requested() ? kWentOn : 0);
      },
      testing::ExitedWithCode(kWentOn), "^$");
}

TEST(InterruptDeathTest, AnOutputIsHeldFromItsFirstMomentOn) {
  test::TempFolder folder;
  EXPECT_EXIT(
      {
        interrupt::install_handlers();
        const auto file = OutputFile::create(folder.path() / "out", 10, Replace::kNo);
        std::raise(SIGINT);
        std::_Exit(interrupt::requested() ? kWentOn : 0);
      },
      testing::ExitedWithCode(kWentOn), "^$");
}

}  // namespace
}  // namespace vetquant
