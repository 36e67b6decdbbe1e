// From an Emitted graph to a file: every offset is fixed first (so the size is known before a weight is read), then
// extents are filled by threads from tiles, checked, synced and put into place.
//
// One file below 2 GiB (Layout::kSingle) unless the user wishes a sidecar; else the weights go to
// "<stem>.<first 16 digits of their digest>.weights" beside the model, 64-byte aligned (4 KiB for tensors of 1 MiB and
// more), and the model, linked last, names it: one commit point. An unfinished run leaves nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/core/output_file.h"
#include "vetquant/core/progress.h"
#include "vetquant/emit/emitted.h"
#include "vetquant/quant/algorithm.h"

namespace vetquant {

enum class Measure { kNo, kYes };               // per-tensor distortion, while the tiles pass
enum class Sidecar { kAuto, kAlways, kNever };  // kNever above 2 GiB: Error{kUsage}

struct LayoutSizes {
  uint64_t model_bytes = 0;    // of the .onnx file
  uint64_t sidecar_bytes = 0;  // 0: none
  uint64_t total_bytes() const { return model_bytes + sidecar_bytes; }
};

struct WriteOptions {
  std::filesystem::path output;
  Replace replace = Replace::kNo;
  Sidecar sidecar = Sidecar::kAuto;
  Measure measure = Measure::kNo;
  int threads = 0;
  uint64_t tile_bytes = 512u << 10;  // of float values; the memory of a thread is some ten tiles
  ProgressSink progress;
  // Called when all payloads are written, before the model's own bytes are: may put values of equal size into the skeleton.
  std::function<void(onnx::ModelProto&)> before_literals;
  FileOps* ops = nullptr;  // tests
};

struct TensorResult {  // measured while the tensor passed
  std::string name;
  double sqnr_db = 0, max_error = 0;  // of the dequantized codes (or halves) against the source
  HalfCounts halves;
};

struct WriteResult {
  LayoutSizes sizes;
  std::string model_digest, sidecar_digest;  // XXH3-128 of the files
  std::filesystem::path model_path, sidecar_path;
  std::vector<TensorResult> tensors;  // one per job or half tensor, in order of declaration
};

// Exact sizes of what write_model will produce at `output` (a sidecar's name stands in the model); reads no weight.
LayoutSizes layout_sizes(const Model& model, const Emitted& emitted, Sidecar sidecar,
                         const std::filesystem::path& output);

// Errors: kIo (exists, disk full, source changed), kUnsupported (NaN in a weight, a plug-in's nonsense), kInterrupted,
// kUsage (a tie that does not hold).
WriteResult write_model(const Model& model, const Emitted& emitted, const AlgorithmSet& algorithms,
                        const WriteOptions& options);

}  // namespace vetquant
