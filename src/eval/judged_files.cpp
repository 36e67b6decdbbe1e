#include "judged_files.h"

#include "vetquant/core/error.h"
#include "vetquant/core/temporary_folder.h"
#include "vetquant/model/model.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

void add_to(std::map<std::string, uint64_t>& sum, const std::map<std::string, uint64_t>& more) {
  for (const auto& [name, count] : more) sum[name] += count;
}

}  // namespace

fs::path one_graph(const fs::path& model) {
  if (fs::is_regular_file(model)) return model;
  if (!fs::is_directory(model)) throw Error(ErrorCode::kIo, "there is no such model", model.string());
  if (fs::is_regular_file(model / "model.onnx")) return model / "model.onnx";
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(model)) {
    if (entry.path().extension() == ".onnx") found.push_back(entry.path());
  }
  if (found.size() == 1) return found[0];
  throw Error(ErrorCode::kUsage,
              std::string("holds ") + (found.empty() ? "no" : "more than one") +
                  " .onnx file and no model.onnx; of this task a model is one file",
              model.string());
}

void count_operators(const std::vector<fs::path>& files, const JudgeOptions& options, ModelResult& model) {
  try {
    for (const fs::path& file : files) add_to(model.operators_written, vetquant::count_operators(file));
    if (options.count_operators == CountOperators::kNo) return;
    for (const fs::path& file : files) {
      const TemporaryFolder folder("judge");
      Worker worker(options.worker, options.limits);
      add_to(model.operators,
             worker.optimized_operators(options.runtime_library, file, options.session, folder.path()));
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kUsage) throw;
    model.operators_note = error.message();  // whether it can be judged is seen when it is opened
  }
}

uint64_t model_bytes(const fs::path& path) {
  try {
    return Model::load(path)->total_bytes();
  } catch (const Error&) {
    return fs::file_size(path);  // its failure is told elsewhere
  }
}

std::vector<StoredWeightBytes> weights_of(const fs::path& path) {
  try {
    return stored_weights(path);
  } catch (const Error&) {
    return {};  // its failure is told elsewhere
  }
}

}  // namespace vetquant
