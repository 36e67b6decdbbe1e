#include "vetquant/eval/sound.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include "eval/sound_support.h"
#include "sound_library.h"
#include "support/model_builder.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

std::string error_of(const std::filesystem::path& path, int rate) {
  try {
    read_sound(path, rate);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.message();
  }
  return "no error";
}

TEST(Sound, ReadsWavAndFlac) {
  test::TempFolder folder;
  const std::vector<float> ramp = {0, 0.25F, -0.5F, 0.75F};
  for (const auto& [name, format] : {std::pair<const char*, int>{"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                                     {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16}}) {
    test::write_sound(folder.path() / name, ramp, 16'000, 1, format);
    const Sound sound = read_sound(folder.path() / name, 16'000);
    EXPECT_EQ(sound.sample_rate, 16'000);
    ASSERT_EQ(sound.samples.size(), ramp.size()) << name;
    for (size_t i = 0; i < ramp.size(); ++i) EXPECT_NEAR(sound.samples[i], ramp[i], 5e-5) << name;
  }
}

TEST(Sound, AnotherRateOrSeveralChannelsAreRefused) {
  test::TempFolder folder;
  test::write_sound(folder.path() / "a.wav", {0, 1}, 8'000, 1);
  EXPECT_EQ(error_of(folder.path() / "a.wav", 16'000), "has a sample rate of 8000 Hz where the test set says 16000");
  test::write_sound(folder.path() / "b.wav", {0, 1}, 16'000, 2);
  EXPECT_EQ(error_of(folder.path() / "b.wav", 16'000), "has 2 channels; make it one (mono)");
}

TEST(SoundLibrary, MissingOneIsNamedWithWhatToInstall) {
  try {
    open_sound_library("libsndfile-that-is-not-there.so.1");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("libsndfile-that-is-not-there.so.1"), std::string::npos) << error.what();
    EXPECT_NE(error.message().find("install libsndfile"), std::string::npos) << error.message();
  }
}

TEST(SoundLibrary, AnotherLibraryIsNotTakenForIt) {
  try {
    open_sound_library("libc.so.6");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("has no sf_open_fd"), std::string::npos) << error.message();
  }
}

TEST(Sound, WhatIsNoSoundIsRefused) {
  test::TempFolder folder;
  EXPECT_NE(error_of(folder.write("a.wav", "no sound"), 0).find("is not a sound file"), std::string::npos);
}

}  // namespace
}  // namespace vetquant
