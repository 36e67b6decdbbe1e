#include "vetquant/eval/test_set.h"

#include <algorithm>

#include "set_parts.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/eval/array_file.h"

namespace vetquant {
namespace {

TestSet bare_arrays(const std::filesystem::path& path) {
  TestSet set;
  set.name = path.stem().string();
  for (auto& array : read_arrays(path)) {
    const std::string where = path.string() + "#" + array.name;
    set.inputs[array.name] = make_array_source(std::move(array.tensor), where);
  }
  return set;
}

TestSet from_yaml(const std::filesystem::path& path) {
  std::string text;
  const TestSetMap map = TestSetMap::load(path, text);
  if (map.integer("version", 1, 1) != 1) map.fail("version", "only version 1 is known");
  const std::string task = map.text("task");
  const std::filesystem::path folder = path.parent_path();
  TestSet set;
  set.name = map.text_or("name", path.stem().string());
  set.license = map.text_or("license", "");
  set.digest = digest_of(text);
  if (task == "classification") {
    set.task = TaskKind::kClassification;
    read_classification(map, folder, set);
  } else if (task == "tensors") {
    set.task = TaskKind::kTensors;
    read_tensors(map, folder, set);
  } else if (task == "language_model") {
    set.task = TaskKind::kLanguageModel;
    read_language_model(map, folder, set);
  } else if (task == "speech") {
    set.task = TaskKind::kSpeech;
    read_speech(map, folder, set);
  } else {
    map.fail("task", "unknown task '" + task + "'; known are classification, language_model, speech and tensors");
  }
  return set;
}

void count_samples(TestSet& set) {
  if (set.task == TaskKind::kLanguageModel || set.task == TaskKind::kSpeech) return;  // counted when they were read
  std::string counted;
  for (const auto& [name, source] : set.inputs) {
    const auto samples = source->samples();
    if (!samples) continue;
    if (!counted.empty() && *samples != set.samples) {
      throw Error(ErrorCode::kUsage,
                  "input '" + counted + "' has " + std::to_string(set.samples) + " samples, but '" + name + "' has " +
                      std::to_string(*samples),
                  set.path.string());
    }
    set.samples = *samples;
    counted = name;
  }
  if (counted.empty()) set.samples = set.random.samples;
  if (set.samples == 0) throw Error(ErrorCode::kUsage, "has no samples", set.path.string());
  if (set.task == TaskKind::kClassification && set.truth.size() != set.samples) {
    throw Error(ErrorCode::kUsage,
                "has " + std::to_string(set.samples) + " samples, but " + std::to_string(set.truth.size()) + " answers",
                set.path.string());
  }
  if (!set.clusters.empty() && set.clusters.size() != set.samples) {
    throw Error(
        ErrorCode::kUsage,
        "has " + std::to_string(set.samples) + " samples, but " + std::to_string(set.clusters.size()) + " clusters",
        set.path.string());
  }
}

bool is_state_input(const TestSet& set, const std::string& name) {
  return std::any_of(set.state.begin(), set.state.end(), [&](const StatePair& pair) { return pair.input == name; });
}

}  // namespace

TestSet load_test_set(const std::filesystem::path& path) {
  const auto extension = path.extension();
  TestSet set;
  if (extension == ".npz" || extension == ".npy") {
    set = bare_arrays(path);
    set.digest = digest_of(*ReadFile::open(path, ErrorCode::kUsage));
  } else if (extension == ".yaml" || extension == ".yml") {
    set = from_yaml(path);
  } else {
    throw Error(ErrorCode::kUsage,
                "is not a test set: give a .yaml, or a .npz with arrays named like the model's inputs", path.string());
  }
  set.path = path;
  count_samples(set);
  return set;
}

TestSet random_test_set(const RandomSettings& settings) {
  TestSet set;
  set.name = "random, seed " + std::to_string(settings.seed);
  set.random = settings;
  set.random.allowed = true;
  set.samples = settings.samples;
  return set;
}

size_t steps_of(const TestSet& set, size_t sample) {
  std::optional<size_t> steps;
  for (const auto& [name, source] : set.inputs) {
    const auto own = source->steps(sample);
    if (!own) continue;
    if (steps && *steps != *own) {
      throw Error(ErrorCode::kUsage,
                  "sample " + std::to_string(sample) + " has inputs with different numbers of windows",
                  set.path.string());
    }
    steps = own;
  }
  return steps.value_or(1);
}

std::vector<NamedTensor> feed_of(const TestSet& set, size_t sample, size_t step,
                                 const std::vector<TensorInfo>& wanted) {
  std::vector<NamedTensor> feed;
  for (const TensorInfo& info : wanted) {
    const auto found = set.inputs.find(info.name);
    const bool state = is_state_input(set, info.name);
    if (state && step > 0) continue;
    if (found != set.inputs.end()) {
      feed.push_back({info.name, found->second->tensor(sample, step, info)});
    } else if (state) {
      feed.push_back({info.name, make_constant_source(0, std::nullopt, set.random.dims)->tensor(sample, step, info)});
    } else if (set.random.allowed && bits_of(info.dtype) > 0) {
      const RandomValues values{set.random.seed, random_stream_of(info.name), 1, set.random.below, std::nullopt,
                                set.random.dims};
      feed.push_back({info.name, make_random_source(values)->tensor(sample, step, info)});
    } else {
      throw Error(ErrorCode::kUsage, "gives no input '" + info.name + "', which the model wants as " + describe(info),
                  set.path.string());
    }
  }
  for (const auto& [name, source] : set.inputs) {
    const bool taken = std::any_of(wanted.begin(), wanted.end(),
                                   [&, &input = name](const TensorInfo& info) { return info.name == input; });
    if (!taken)
      throw Error(ErrorCode::kUsage, "gives an input '" + name + "', which the model does not have", set.path.string());
  }
  return feed;
}

std::string name_of(TaskKind task) {
  switch (task) {
    case TaskKind::kClassification:
      return "classification";
    case TaskKind::kLanguageModel:
      return "language_model";
    case TaskKind::kSpeech:
      return "speech";
    case TaskKind::kTensors:
      break;
  }
  return "tensors";
}

}  // namespace vetquant
