#include <string>
#include <vector>

#include "build_steps.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

struct Counts {
  size_t built = 0, judged = 0, gates = 0;
  std::vector<std::string> failed, left, quick;  // "langid: top1>=-0.5", parts
};

Counts counts_of(const Manifest& manifest) {
  Counts counts;
  for (const PartRecord& part : manifest.parts) {
    if (!part.built) {
      counts.left.push_back(part.name);
      continue;
    }
    ++counts.built;
    if (!part.built->judged) continue;
    const JudgedRecord& judged = *part.built->judged;
    ++counts.judged;
    counts.gates += judged.gates.size();
    if (judged.quick) counts.quick.push_back(part.name);
    if (!judged.failure.empty()) counts.failed.push_back(part.name + ": a model failed");
    for (const GateRecord& gate : judged.gates) {
      if (!gate.passed) counts.failed.push_back(part.name + ": " + gate.gate);
    }
  }
  return counts;
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 2;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i > 0 ? ", " : "") + printable(names[i], 40);
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

std::string budget_words(const Manifest& manifest) {
  const auto limit = manifest.limit_bytes();
  const std::string bytes = human_bytes(manifest.bytes());
  return limit ? bytes + " of at most " + human_bytes(*limit) : bytes + ", no budget";
}

std::string number(size_t count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

}  // namespace

void decide(Manifest& manifest) {
  const Counts counts = counts_of(manifest);
  const auto limit = manifest.limit_bytes();
  std::string words;
  if (limit && manifest.bytes() > *limit) {
    manifest.verdict = Verdict::kOverBudget;
    words = "OVER BUDGET: " + std::to_string(manifest.bytes()) + " bytes, at most " + std::to_string(*limit);
  } else if (!counts.failed.empty()) {
    manifest.verdict = Verdict::kGateFailed;
    words = "FAILED: " + some_of(counts.failed) + "; " + budget_words(manifest);
  } else if (counts.built == 0) {
    manifest.verdict = Verdict::kUnfinished;
    words = "nothing is built; " + budget_words(manifest);
  } else {
    manifest.verdict = Verdict::kPassed;
    words =
        "PASSED: " + number(counts.built, "part") + ", " + number(counts.gates, "gate") + ", " + budget_words(manifest);
  }
  if (!counts.left.empty() && counts.built > 0) words += "; not built, bytes predicted: " + some_of(counts.left);
  if (!counts.quick.empty()) words += "; quick, on reduced test sets: " + some_of(counts.quick);
  manifest.words = words;
}

}  // namespace vetquant
