#include "spoken_numbers.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "vetquant/eval/spoken_text.h"
#include "vetquant/eval/word_errors.h"

namespace vetquant {
namespace {

using Words = std::vector<std::string>;

const std::map<std::string, uint64_t, std::less<>> kSmall = {
    {"zero", 0},      {"one", 1},       {"two", 2},       {"three", 3},    {"four", 4},     {"five", 5},
    {"six", 6},       {"seven", 7},     {"eight", 8},     {"nine", 9},     {"ten", 10},     {"eleven", 11},
    {"twelve", 12},   {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15}, {"sixteen", 16}, {"seventeen", 17},
    {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20},   {"thirty", 30},  {"forty", 40},   {"fifty", 50},
    {"sixty", 60},    {"seventy", 70},  {"eighty", 80},   {"ninety", 90}};

// Singular and plural, and what is written already.
const std::map<std::string, std::string, std::less<>> kUnits = {
    {"mg", "mg"},       {"milligram", "mg"},  {"g", "g"},           {"gram", "g"},        {"kg", "kg"},
    {"kilogram", "kg"}, {"kilo", "kg"},       {"mcg", "mcg"},       {"microgram", "mcg"}, {"µg", "mcg"},
    {"μg", "mcg"},      {"ml", "ml"},         {"milliliter", "ml"}, {"millilitre", "ml"}, {"l", "l"},
    {"liter", "l"},     {"litre", "l"},       {"mm", "mm"},         {"millimeter", "mm"}, {"millimetre", "mm"},
    {"cm", "cm"},       {"centimeter", "cm"}, {"centimetre", "cm"}, {"%", "%"},           {"percent", "%"},
    {"°c", "c"},        {"celsius", "c"},     {"iu", "iu"},         {"hour", "h"},        {"h", "h"},
    {"minute", "min"},  {"min", "min"},       {"second", "s"},      {"day", "day"},       {"week", "week"},
    {"month", "month"}, {"year", "year"},     {"beat", "beat"},     {"breath", "breath"}, {"tablet", "tablet"},
    {"unit", "unit"}};

std::string unit_of(std::string_view word) {
  auto known = kUnits.find(word);
  if (known == kUnits.end() && word.size() > 3 && word.back() == 's')
    known = kUnits.find(word.substr(0, word.size() - 1));
  return known == kUnits.end() ? std::string() : known->second;
}

bool is_number(std::string_view word) {
  return !word.empty() && word[0] >= '0' && word[0] <= '9' && word.find_first_not_of("0123456789.") == word.npos;
}

// A number said in words, from its first one on.
class Speech {
 public:
  Speech(const Words& words, size_t at) : words_(words), at_(at), end_(at) {}
  std::string written() {  // "" where none begins here
    if (at_ < words_.size() && is_number(words_[at_])) {
      text_ = words_[at_];
      end_ = at_ + 1;
    } else {
      take_whole();
    }
    if (!text_.empty() && text_.find('.') == text_.npos) take_decimals();
    return text_;
  }
  size_t end() const { return end_; }

 private:
  void take_whole() {
    uint64_t total = 0, group = 0, room = 100;  // room: what comes next must be less, as ones are after tens
    uint64_t scale = 1'000'000'000;             // a thousand is not followed by a million
    for (size_t i = at_; i < words_.size(); ++i) {
      const bool joins = words_[i] == "and" && i > at_ && words_[i - 1] == "hundred" && i + 1 < words_.size();
      if (joins && kSmall.contains(words_[i + 1])) continue;
      const auto small = kSmall.find(words_[i]);
      const uint64_t larger = words_[i] == "thousand" ? 1'000 : words_[i] == "million" ? 1'000'000 : 0;
      if (small != kSmall.end() && small->second < room && (small->second > 0 || i == at_)) {
        group += small->second;
        room = small->second >= 20 ? 10 : 0;
      } else if (words_[i] == "hundred" && group > 0 && group < 100) {
        group *= 100;
        room = 100;
      } else if (larger > 0 && group > 0 && larger < scale) {
        total += group * larger;
        group = 0;
        room = 100;
        scale = larger;
      } else {
        break;
      }
      end_ = i + 1;
    }
    if (end_ > at_) text_ = std::to_string(total + group);
  }

  void take_decimals() {
    if (end_ >= words_.size() || words_[end_] != "point") return;
    std::string digits;
    size_t i = end_ + 1;
    for (; i < words_.size(); ++i) {
      const auto small = kSmall.find(words_[i]);
      if (small != kSmall.end() && small->second < 10) {
        digits += std::to_string(small->second);
      } else if (digits.empty() && is_number(words_[i]) && words_[i].find('.') == std::string::npos) {
        digits = words_[i++];
        break;
      } else {
        break;
      }
    }
    if (digits.empty()) return;
    text_ += "." + digits;
    end_ = i;
  }

  const Words& words_;
  size_t at_, end_;
  std::string text_;
};

// "25mg" is two words where what follows the digits is a unit.
Words with_units_apart(const Words& words) {
  Words out;
  for (const std::string& word : words) {
    const size_t digits = std::min(word.find_first_not_of("0123456789."), word.size());
    if (digits > 0 && digits < word.size() && !unit_of(word.substr(digits)).empty()) {
      out.push_back(word.substr(0, digits));
      out.push_back(word.substr(digits));
    } else {
      out.push_back(word);
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> written_quantities(const std::vector<std::string>& given) {
  const Words words = with_units_apart(given);
  Words out;
  for (size_t at = 0; at < words.size();) {
    Speech speech(words, at);
    if (const std::string number = speech.written(); !number.empty()) {
      out.push_back(number);
      at = speech.end();
      continue;
    }
    const std::string& word = words[at++];
    const bool degrees = word == "degrees" && at < words.size() && unit_of(words[at]) == "c";
    if (degrees) continue;
    const bool divides = word == "/" && !out.empty() && at < words.size() && !unit_of(out.back()).empty();
    const std::string unit = unit_of(word);
    if (word == "/" && !divides) continue;
    out.push_back(divides ? "per" : unit.empty() ? word : unit);
  }
  return out;
}

std::vector<std::string> quantities_of(std::string_view dictation_text) {
  const Words words = words_of(dictation_text);
  std::vector<std::string> quantities;
  for (size_t at = 0; at < words.size(); ++at) {
    if (!is_number(words[at])) continue;
    std::string quantity = words[at];
    const auto unit_at = [&](size_t place) { return place < words.size() && !unit_of(words[place]).empty(); };
    if (unit_at(at + 1)) quantity += " " + words[++at];
    while (at + 1 < words.size() && words[at + 1] == "per" && unit_at(at + 2)) {
      quantity += " per " + words[at + 2];
      at += 2;
    }
    quantities.push_back(std::move(quantity));
  }
  return quantities;
}

}  // namespace vetquant
