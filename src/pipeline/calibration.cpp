#include "vetquant/pipeline/calibration.h"

#include <onnx/onnx_pb.h>

#include <functional>

#include "vetquant/core/parallel.h"
#include "vetquant/core/temporary_folder.h"
#include "vetquant/core/text.h"
#include "vetquant/eval/observe_samples.h"
#include "vetquant/policy/statistics_file.h"
#include "vetquant/quant/activation_range.h"
#include "vetquant/runtime/observed_model.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

using quant::ActivationObserver;
using quant::ActivationStatistics;
using quant::TensorStatistics;

void write_observed(const Model& model, const ObservedModel& observed, const fs::path& path, int threads) {
  Emitted emitted;
  emitted.skeleton = observed.skeleton;
  WriteOptions options;
  options.output = path;
  options.threads = threads;
  write_model(model, emitted, AlgorithmSet(), options);
}

std::vector<ActivationObserver> observe(const Source& source, const ObservedModel& observed, const TestSet& set,
                                        const CalibrationOptions& options) {
  const TemporaryFolder folder("calibrate");
  ObserveOptions run;
  run.model = source.model->path();
  run.observed = folder.path() / "observed.onnx";
  run.observers = observed.addresses.size();
  run.runtime_library = options.runtime_library;
  run.worker = options.worker;
  run.limits = options.limits;
  run.threads = resolve_threads(options.threads);
  run.max_memory_bytes = options.max_memory_bytes;
  run.cache = options.cache;
  run.progress = options.progress;
  write_observed(*source.model, observed, run.observed, run.threads);
  return observe_samples(set, run);
}

using Doubt = std::function<bool(const TensorStatistics&)>;

// "3 tensors (a, b, ...)" of those that the doubt is about; "" where it is about none.
std::string tensors_with(const ActivationStatistics& statistics, const Doubt& doubt) {
  constexpr size_t kNamed = 3;
  std::string names;
  size_t count = 0;
  for (const auto& [name, tensor] : statistics.tensors) {
    if (!doubt(tensor)) continue;
    ++count;
    if (count <= kNamed) names += (names.empty() ? "" : ", ") + printable(name, 100);
  }
  if (count == 0) return {};
  return std::to_string(count) + (count == 1 ? " tensor (" : " tensors (") + names + (count > kNamed ? ", ..." : "") +
         ")";
}

}  // namespace

ActivationStatistics obtain_statistics(const Source& source, const fs::path& calibration,
                                       const CalibrationOptions& options) {
  if (is_statistics_file(calibration.string())) return read_statistics(calibration.string());
  const TestSet set = load_test_set(calibration);
  const ObservedModel observed = observed_model(*source.model, *source.index);
  const std::vector<ActivationObserver> seen = observe(source, observed, set, options);
  ActivationStatistics statistics;
  statistics.model_file = source.model->path().filename().string();
  statistics.model_digest = "xxh3-128:" + source.model->digest();
  statistics.samples_source = calibration.filename().string();
  statistics.samples = observed_samples(set);
  statistics.settings = options.range;
  std::vector<TensorStatistics> tensors(seen.size());
  parallel_for(seen.size(), options.threads,
               [&](uint64_t i) { tensors[i] = quant::statistics_of(seen[i], options.range); });
  for (size_t i = 0; i < seen.size(); ++i) {
    // Of what was never seen as a float, and may be none, there is nothing to say.
    if (tensors[i].values > 0 || observed.is_float[i])
      statistics.tensors.emplace(observed.addresses[i], std::move(tensors[i]));
  }
  return statistics;
}

std::vector<std::string> doubts_about(const ActivationStatistics& statistics) {
  std::vector<std::string> lines;
  const auto add = [&](const Doubt& doubt, const std::string& what) {
    const std::string tensors = tensors_with(statistics, doubt);
    if (!tensors.empty()) lines.push_back(tensors + " " + what);
  };
  add([](const TensorStatistics& tensor) { return tensor.values == 0 && !tensor.range; },
      "never reached: no sample goes there, so nothing is known; add samples that take these branches");
  add([](const TensorStatistics& tensor) { return tensor.nans > 0; },
      "held NaN, which is left out; is the model fed as it was trained?");
  add([](const TensorStatistics& tensor) { return tensor.infinities > 0; },
      "held infinities, which are left out, as of masks");
  add([](const TensorStatistics& tensor) { return tensor.values > 0 && !tensor.range; },
      "held no finite value, so there is no range");
  add(
      [](const TensorStatistics& tensor) {
        return tensor.values > 1 && tensor.range && tensor.minimum == tensor.maximum;
      },
      "never changed: one value on all samples");
  return lines;
}

}  // namespace vetquant
