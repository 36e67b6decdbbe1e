// What models answered to test sets, kept outside of any tree so that nobody computes it twice: a float model is judged once
// for all variants, and a run that was killed goes on where it was.
//
// One file for each model and test set: `<key>.answers`. The key is a digest of all that answers hang on (the model's
// files, its tokenizer and settings, the test set with every file that it names, the runtime's library, session options,
// the judging program, the processor; of language models the baseline as well), so nothing in it grows old. A file holds the
// answers to the first samples, as many as there are, ends with its own digest, and is replaced as a whole: what is damaged
// is not used, what is partial says so. Kept for classification, language_model and speech; outputs of `tensors` are too
// large. What activations were on a set (observe_samples.h) is kept the same way.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace vetquant {

struct AnswerCache {
  std::filesystem::path folder;             // made when the first answers are kept
  uint64_t most_bytes = uint64_t{1} << 30;  // of all files; beyond it those that were not used for longest are removed
  std::chrono::milliseconds pause{5000};    // between writes while a model answers; 0: after each sample
  std::function<void(const std::string&)> warn;  // once, where nothing can be kept; may be empty
  std::function<void(const std::string&)> tell;  // what was found; may be empty
  std::shared_ptr<std::atomic<bool>> warned = std::make_shared<std::atomic<bool>>(false);
};

// $XDG_CACHE_HOME/vetquant/answers, else ~/.cache/vetquant/answers; empty where there is neither variable.
std::filesystem::path default_answer_folder();

}  // namespace vetquant
