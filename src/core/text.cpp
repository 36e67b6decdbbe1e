#include "vetquant/core/text.h"

#include <algorithm>
#include <cstdio>

#include "vetquant/core/utf8.h"

namespace vetquant {
namespace {

// One token of a pattern matches one character (or an empty run for the stars); a set of states is advanced over the text.
bool class_matches(std::string_view pattern, size_t begin, size_t end, char c) {
  bool negate = begin < end && (pattern[begin] == '!' || pattern[begin] == '^');
  if (negate) ++begin;
  bool found = false;
  for (size_t i = begin; i < end; ++i) {
    if (i + 2 < end && pattern[i + 1] == '-') {
      found |= pattern[i] <= c && c <= pattern[i + 2];
      i += 2;
    } else {
      found |= pattern[i] == c;
    }
  }
  return found != negate && c != '/';
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Of ASCII and Latin-1.
bool is_control(uint32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  // states[i]: pattern[0, i) matches the text read so far.
  std::vector<char> states(pattern.size() + 1, 0), next(pattern.size() + 1, 0);
  const auto close = [&](std::vector<char>& set) {  // what matches an empty run
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (!set[i] || pattern[i] != '*') continue;
      const bool twice = i + 1 < pattern.size() && pattern[i + 1] == '*';
      set[i + (twice ? 2 : 1)] = 1;
    }
  };
  states[0] = 1;
  if (pattern.starts_with("**/")) states[3] = 1;
  close(states);
  for (const char c : text) {
    std::fill(next.begin(), next.end(), 0);
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (!states[i]) continue;
      const char p = pattern[i];
      if (p == '*') {
        const bool twice = i + 1 < pattern.size() && pattern[i + 1] == '*';
        if (twice || c != '/') next[i] = 1;
      } else if (p == '?') {
        if (c != '/') next[i + 1] = 1;
      } else if (const size_t end = pattern.find(']', i + 2); p == '[' && end != std::string_view::npos) {
        if (class_matches(pattern, i + 1, end, c)) next[end + 1] = 1;
      } else if (p == c) {
        next[i + 1] = 1;
      }
    }
    close(next);
    states.swap(next);
  }
  return states[pattern.size()] != 0;
}

std::string nearest_word(std::string_view word, std::span<const std::string_view> known) {
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (std::string_view candidate : known) {
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        const size_t substituted = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  return nearest_word(word, std::span<const std::string_view>(views));
}

std::string human_bytes(uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string counted(size_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

std::string printable(std::string_view text, size_t limit) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Utf8Step step = utf8_at(text, i);
    if (step.valid && !is_control(step.code)) {
      out += text.substr(i, step.bytes);
      i += step.bytes;
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(text[i++]));
    out += escaped;
  }
  if (out.size() <= limit || limit < 5) return out;
  size_t head = (limit - 3) / 2, tail = out.size() - (limit - 3 - head);
  while (head > 0 && is_continuation(out[head])) --head;
  while (tail < out.size() && is_continuation(out[tail])) ++tail;
  return out.substr(0, head) + "..." + out.substr(tail);
}

}  // namespace vetquant
