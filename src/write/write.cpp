#include "vetquant/write/write.h"

#include <onnx/onnx_pb.h>

#include <optional>

#include "fill.h"
#include "frame.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/parallel.h"

namespace vetquant {
namespace {

// Protobuf reads messages below 2 GiB only.
constexpr uint64_t kLargestSingleFile = (uint64_t{1} << 31) - 1;
constexpr size_t kDigestDigits = 16;

std::string sidecar_name(const std::filesystem::path& output, const std::string& digest) {
  return output.stem().string() + "." + digest.substr(0, kDigestDigits) + ".weights";
}

// The same length as the real name, so that sizes do not change when the digest is known.
std::string sidecar_stand_in(const std::filesystem::path& output) {
  return sidecar_name(output, std::string(kDigestDigits, '0'));
}

bool wants_sidecar(const Framed& single, Sidecar sidecar, const std::filesystem::path& output) {
  if (sidecar == Sidecar::kAlways) return !single.gaps.empty();
  if (single.model_bytes <= kLargestSingleFile) return false;
  if (sidecar == Sidecar::kNever) {
    throw Error(ErrorCode::kUsage, "the result is above 2 GiB, which one protobuf file cannot hold; allow a sidecar",
                output.string());
  }
  return true;
}

// What is in place must be what was written: parsed by the same loader that reads other people's files.
void verify(const std::filesystem::path& path) {
  try {
    Model::load(path);
  } catch (const Error& error) {
    throw Error(ErrorCode::kInternal, "the written model does not load again: " + std::string(error.what()),
                path.string());
  }
}

// The digest of a written file, read back while the disk takes it in.
std::string synced_digest(OutputFile& file, int threads) {
  std::string digest;
  parallel_for(2, threads, [&](uint64_t task) {
    if (task == 0) {
      file.sync();
    } else {
      digest = digest_of(*ReadFile::open(file.temporary_path(), ErrorCode::kIo));
    }
  });
  return digest;
}

// Sidecars that the model at `output` names and that carry our naming for it: stale once the model is replaced.
std::vector<std::filesystem::path> own_sidecars(const std::filesystem::path& output) {
  std::vector<std::filesystem::path> found;
  std::error_code ignored;
  if (!std::filesystem::exists(output, ignored)) return found;
  try {
    const auto model = Model::load(output);
    const std::string prefix = output.stem().string() + ".", suffix = ".weights";
    for (const auto& file : model->files()) {
      const std::string name = file->path().filename().string();
      if (name.size() == prefix.size() + kDigestDigits + suffix.size() && name.starts_with(prefix) &&
          name.ends_with(suffix)) {
        found.push_back(output.parent_path() / name);
      }
    }
  } catch (const Error&) {  // not a model: nothing of ours beside it
  }
  return found;
}

WriteResult write_single(const Emitted& emitted, const AlgorithmSet& algorithms, const Framed& framed,
                         const Model& model, const WriteOptions& options, FileOps& ops) {
  WriteResult result;
  const std::vector<std::filesystem::path> stale =
      options.replace == Replace::kYes ? own_sidecars(options.output) : std::vector<std::filesystem::path>{};
  auto file = OutputFile::create(options.output, framed.model_bytes, options.replace, ops);
  result.tensors = fill(emitted, algorithms, framed, *file, options);
  if (options.before_literals) options.before_literals(*emitted.skeleton);
  const Framed complete = frame_model(model, emitted, std::nullopt);
  if (complete.model_bytes != framed.model_bytes)
    throw Error(ErrorCode::kInternal, "the model changed its size while it was written", options.output.string());
  fill_literals(complete, *file);
  model.check_unchanged();
  verify(file->temporary_path());
  result.model_digest = synced_digest(*file, options.threads);
  file->commit();
  for (const auto& path : stale) ops.remove(path.string());
  return result;
}

WriteResult write_with_sidecar(const Emitted& emitted, const AlgorithmSet& algorithms, const Model& model,
                               const WriteOptions& options, FileOps& ops) {
  WriteResult result;
  const std::filesystem::path folder = options.output.parent_path();
  std::vector<std::filesystem::path> stale =
      options.replace == Replace::kYes ? own_sidecars(options.output) : std::vector<std::filesystem::path>{};
  const Framed plan = frame_model(model, emitted, sidecar_stand_in(options.output));
  auto weights = OutputFile::create(folder / sidecar_stand_in(options.output), plan.sidecar_bytes, Replace::kNo, ops);
  result.tensors = fill(emitted, algorithms, plan, *weights, options);
  if (options.before_literals) options.before_literals(*emitted.skeleton);
  model.check_unchanged();
  result.sidecar_digest = synced_digest(*weights, options.threads);
  const std::string name = sidecar_name(options.output, result.sidecar_digest);
  result.sidecar_path = folder / name;
  std::erase(stale, result.sidecar_path);

  const Framed framed = frame_model(model, emitted, name);
  auto file = OutputFile::create(options.output, framed.model_bytes, options.replace, ops);
  fill_literals(framed, *file);
  // A sidecar of this name holds these bytes already: its name is their digest.
  const bool present = std::filesystem::exists(result.sidecar_path);
  if (!present) {
    weights->retarget(result.sidecar_path);
    weights->commit();
  }
  try {
    verify(file->temporary_path());
    result.model_digest = synced_digest(*file, options.threads);
    file->commit();
  } catch (...) {
    if (!present) ops.remove(result.sidecar_path.string());
    throw;
  }
  for (const auto& path : stale) ops.remove(path.string());
  return result;
}

}  // namespace

LayoutSizes layout_sizes(const Model& model, const Emitted& emitted, Sidecar sidecar,
                         const std::filesystem::path& output) {
  const Framed single = frame_model(model, emitted, std::nullopt);
  if (!wants_sidecar(single, sidecar, output)) return {single.model_bytes, 0};
  const Framed split = frame_model(model, emitted, sidecar_stand_in(output));
  return {split.model_bytes, split.sidecar_bytes};
}

WriteResult write_model(const Model& model, const Emitted& emitted, const AlgorithmSet& algorithms,
                        const WriteOptions& options) {
  FileOps& ops = options.ops != nullptr ? *options.ops : FileOps::system();
  check_output_is_free(options.output, options.replace);
  remove_stale_temporaries(options.output.parent_path().empty() ? "." : options.output.parent_path());
  const Framed single = frame_model(model, emitted, std::nullopt);
  WriteResult result = wants_sidecar(single, options.sidecar, options.output)
                           ? write_with_sidecar(emitted, algorithms, model, options, ops)
                           : write_single(emitted, algorithms, single, model, options, ops);
  result.model_path = options.output;
  result.sizes = layout_sizes(model, emitted, options.sidecar, options.output);
  return result;
}

}  // namespace vetquant
