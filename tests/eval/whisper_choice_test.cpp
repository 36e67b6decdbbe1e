// The rules by which a Whisper decoder's next token is chosen, on a vocabulary of ten.
#include "whisper_choice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace vetquant {
namespace {

constexpr uint32_t kEnd = 3, kNoTimes = 4, kTime = 5;  // words are 0 to 2, times 5 to 9: 0.00 to 0.08 s

WhisperSettings settings(bool timestamps = true) {
  WhisperSettings settings;
  settings.end = kEnd;
  settings.first_timestamp = kTime;
  settings.no_timestamps = kNoTimes;
  settings.timestamps = timestamps;
  return settings;
}

// Logits of 0 but for some tokens.
std::vector<float> logits(std::initializer_list<std::pair<uint32_t, float>> likely) {
  std::vector<float> values(10, 0);
  for (const auto& [id, value] : likely) values[id] = value;
  return values;
}

using Said = std::vector<uint32_t>;

TEST(WhisperChoice, TheLikeliestThatIsNotSuppressed) {
  WhisperSettings plain = settings(false);
  EXPECT_EQ(next_token(plain, logits({{1, 3}, {7, 2}}), Said{}), 1u);
  EXPECT_EQ(next_token(plain, logits({{1, 3}, {7, 4}}), Said{}), 7u) << "times are tokens like others";
  plain.suppressed = {1, 99};
  plain.suppressed_first = {7};
  EXPECT_EQ(next_token(plain, logits({{1, 3}, {7, 2}, {2, 1}}), Said{}), 2u);
  EXPECT_EQ(next_token(plain, logits({{1, 3}, {7, 2}, {2, 1}}), Said{0}), 7u);
  EXPECT_EQ(next_token(plain, logits({{1, NAN}, {2, 1}}), Said{}), 2u);
  EXPECT_EQ(next_token(plain, std::vector<float>(10, NAN), Said{}), kEnd) << "nothing can be said";
}

TEST(WhisperChoice, TheFirstIsATimeNotTooLate) {
  WhisperSettings timed = settings();
  EXPECT_EQ(next_token(timed, logits({{1, 9}, {kNoTimes, 9}, {kEnd, 9}, {8, 1}}), Said{}), 8u);
  timed.latest_start = 1;
  EXPECT_EQ(next_token(timed, logits({{1, 9}, {6, 0.5F}, {7, 1}}), Said{}), 6u);
}

TEST(WhisperChoice, TimesStandInPairsButBeforeTheEnd) {
  const WhisperSettings timed = settings();
  EXPECT_EQ(next_token(timed, logits({{7, 9}, {1, 1}}), Said{5}), 1u) << "after the start comes a word";
  EXPECT_EQ(next_token(timed, logits({{1, 9}, {7, 1}}), Said{5, 1, 7}), 7u)
      << "after an end comes a start, the same time, too";
  EXPECT_EQ(next_token(timed, logits({{1, 9}, {kEnd, 5}}), Said{5, 1, 7}), kEnd);
  EXPECT_EQ(next_token(timed, logits({{9, 9}, {2, 1}}), Said{5, 1, 7, 7}), 2u);
}

TEST(WhisperChoice, TimesNeverDecrease) {
  const WhisperSettings timed = settings();
  EXPECT_EQ(next_token(timed, logits({{5, 9}, {6, 8}, {7, 7}, {8, 6}}), Said{7, 1}), 8u) << "a piece has a length";
  EXPECT_EQ(next_token(timed, logits({{5, 9}, {6, 8}, {9, 1}}), Said{5, 1, 7}), 9u);
}

TEST(WhisperChoice, ManyUnlikelyTimesTogetherOutweighAWord) {
  const WhisperSettings timed = settings();
  const float third = std::log(3.0F);
  // Four times of 1 against a word of 3: none of them is likelier, together they are.
  EXPECT_EQ(next_token(timed, logits({{1, third}}), Said{5, 1}), 6u);
  EXPECT_EQ(next_token(timed, logits({{1, third + 1}}), Said{5, 1}), 1u);
}

TEST(WhisperChoice, NoTimesAreAskedForWithinTimes) {
  EXPECT_NE(next_token(settings(), logits({{kNoTimes, 9}}), Said{5}), kNoTimes);
}

}  // namespace
}  // namespace vetquant
