// What models are judged on: a small YAML file, or a bare .npz of inputs. docs/judging.md describes every key.
//
// Tasks: `classification` (a right answer for each item), `tensors` (outputs compared with the baseline's),
// `language_model` (texts, and gaps in them) and `speech` (what is said in clips). What is resampled for intervals is the item, or its cluster where the set names
// clusters (a voice, a document).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vetquant/eval/input_source.h"
#include "vetquant/runtime/tensor.h"

namespace vetquant {

enum class TaskKind { kClassification, kTensors, kLanguageModel, kSpeech };

struct LanguageSet;  // language_model.h
struct SpeechSet;    // speech.h

struct StatePair {
  std::string output, input;  // what the model gives at `output` it gets at `input` in the next step of the sample
};

struct RandomSettings {
  bool allowed = false;  // inputs that the set does not name are random
  uint64_t seed = 1;
  size_t samples = 16;
  uint64_t below = 10;  // integer inputs: 0 <= x < below
  DimSizes dims;
};

struct TestSet {
  std::filesystem::path path;
  TaskKind task = TaskKind::kTensors;
  std::string name, license;
  std::string digest;  // XXH3-128 of the test set's file
  size_t samples = 0;
  std::map<std::string, std::shared_ptr<InputSource>> inputs;
  std::vector<StatePair> state;
  RandomSettings random;
  std::vector<uint32_t> clusters;  // of each sample; empty: each is its own
  uint32_t cluster_count = 0;
  std::string unit = "sample";  // what one sample is called: "clip", "item", "sample"

  // classification
  std::string scores;               // name of the output with one score for each class; "" is the first output
  std::vector<std::string> labels;  // may be empty: classes are then numbered
  std::vector<uint32_t> truth;      // class of each sample
  uint32_t top_k = 5;

  // tensors
  std::vector<std::string> outputs;          // compared ones; empty: all but states
  std::map<std::string, double> thresholds;  // of outputs that are decisions

  std::shared_ptr<const LanguageSet> language;  // language_model
  std::shared_ptr<const SpeechSet> speech;      // speech
  std::string normalisation;                    // of texts, by name; speech
};

// Reads the set, checks every digest that it names. Error{kUsage} "set.yaml:3:1: ...".
TestSet load_test_set(const std::filesystem::path& path);

// Seeded random inputs where there is no test set.
TestSet random_test_set(const RandomSettings& settings);

size_t steps_of(const TestSet& set, size_t sample);

// The inputs of one step, without those that states feed after the first step. Error{kUsage} where an input is missing.
std::vector<NamedTensor> feed_of(const TestSet& set, size_t sample, size_t step, const std::vector<TensorInfo>& wanted);

std::string name_of(TaskKind task);

}  // namespace vetquant
