// `task: language_model`: how probable a model finds texts, how far its distribution is from the baseline's, and which words
// it puts into gaps.
//
// A document is cut into windows of tokens; every token but the first (with a start token: every token of the text) is
// scored once, with at least window - stride tokens before it where the text has them. A gap is filled with each choice,
// and the whole text's log-likelihood decides; equal ones are no answer. What is resampled is the document, or the item.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vetquant/eval/error_example.h"
#include "vetquant/eval/metric.h"
#include "vetquant/eval/tokenizer.h"

namespace vetquant {

struct ScoredText {
  std::vector<uint32_t> ids;  // start tokens, then the text's
  size_t first_scored = 1;    // index of the first token whose probability counts; at least 1
};

struct Document {
  std::string name;  // "notes.txt:12", "a.txt"
  ScoredText text;
  uint64_t bytes = 0, words = 0;  // of what is scored
};

struct ClozeItem {
  std::string name;           // "items.csv:7"
  std::string before, after;  // the gap
  std::vector<std::string> choices;
  size_t answer = 0;              // index into choices
  std::vector<ScoredText> texts;  // the text with each choice
};

struct LanguageSet {
  Tokenizer tokenizer;
  std::vector<Document> documents;
  std::vector<ClozeItem> cloze;
  std::vector<uint32_t> cloze_clusters;  // of each item; empty: each is its own
  uint32_t cloze_cluster_count = 0;
  size_t window = 512, stride = 512;
  size_t tokens_per_run = 0;  // fed at once, the cache going from run to run; 0: the whole window
  uint32_t greatest_id = 0;   // of all texts
};

inline constexpr uint32_t kNoChoice = UINT32_MAX;  // equal likelihoods, or none that is a number

struct DocumentScore {
  double nll = 0;  // nats, over the scored tokens
  uint64_t tokens = 0;
  std::vector<float> kl;  // nats, KL(baseline || own) of each scored token; empty for the baseline
  uint64_t agreed = 0;    // tokens for which both find the same one most probable
};

struct TokenDoubt {  // a position at which a model is far from the baseline
  double kl = 0;
  size_t document = 0, token = 0;  // index into the document's ids
  uint32_t own_best = 0, base_best = 0;
};

struct LanguageAnswers {
  std::vector<DocumentScore> documents;
  std::vector<TokenDoubt> worst;  // largest KL first
  std::vector<uint32_t> picks;    // of each cloze item
};

// token_perplexity, word_perplexity, bits_per_byte, cloze_accuracy; with a baseline (not null) also kl_mean, kl_p99, kl_max,
// top1_agreement and differences.
std::vector<Metric> language_metrics(const LanguageSet& set, const LanguageAnswers& own, const LanguageAnswers* base,
                                     const StatisticsSettings& settings);
std::vector<std::string> language_metric_names(const LanguageSet& set);

// Items that the baseline got right and this model did not come first, then the worst positions.
std::vector<ErrorExample> language_examples(const LanguageSet& set, const LanguageAnswers& own,
                                            const LanguageAnswers& base);

}  // namespace vetquant
