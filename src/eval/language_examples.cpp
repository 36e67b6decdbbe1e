#include <algorithm>
#include <cstdio>

#include "vetquant/eval/language_model.h"

namespace vetquant {
namespace {

constexpr size_t kContextTokens = 16, kMostPositions = 20;

std::string filled(const ClozeItem& item, uint32_t pick) {
  return item.before + (pick == kNoChoice ? "(none)" : item.choices[pick]) + item.after;
}

ErrorExample gap_example(const ClozeItem& item, uint32_t base, uint32_t own) {
  return {item.name,
          filled(item, static_cast<uint32_t>(item.answer)),
          filled(item, base),
          filled(item, own),
          {item.choices[item.answer]}};
}

ErrorExample position_example(const LanguageSet& set, const TokenDoubt& doubt) {
  const Document& document = set.documents[doubt.document];
  const auto ids = std::span(document.text.ids);
  const size_t from = doubt.token - std::min(doubt.token, kContextTokens);
  const auto with = [&](uint32_t last) {
    std::vector<uint32_t> shown(ids.begin() + static_cast<std::ptrdiff_t>(from),
                                ids.begin() + static_cast<std::ptrdiff_t>(doubt.token));
    shown.push_back(last);
    return set.tokenizer.decode(shown, SpecialTokens::kKeep);
  };
  char kl[32];
  std::snprintf(kl, sizeof kl, "%.3g", doubt.kl);
  return {document.name + ", token " + std::to_string(doubt.token + 1) + ": KL " + kl + " nats",
          with(ids[doubt.token]),
          with(doubt.base_best),
          with(doubt.own_best),
          {}};
}

}  // namespace

std::vector<ErrorExample> language_examples(const LanguageSet& set, const LanguageAnswers& own,
                                            const LanguageAnswers& base) {
  std::vector<ErrorExample> examples;
  for (const bool base_right : {true, false}) {
    for (size_t i = 0; i < set.cloze.size() && examples.size() < kMostErrorExamples - kMostPositions; ++i) {
      const ClozeItem& item = set.cloze[i];
      if (own.picks[i] != item.answer && (base.picks[i] == item.answer) == base_right)
        examples.push_back(gap_example(item, base.picks[i], own.picks[i]));
    }
  }
  for (size_t i = 0; i < std::min(own.worst.size(), kMostPositions); ++i)
    examples.push_back(position_example(set, own.worst[i]));
  return examples;
}

}  // namespace vetquant
