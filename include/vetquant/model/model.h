// An ONNX model without its weights: a protobuf *skeleton* in which every tensor above 1 KiB is only a mark, and the
// places where the payloads lie. Loading walks the protobuf wire with bounds checks and reads no weight.
//
// Marks: in the skeleton such a TensorProto has data_location = EXTERNAL and one external_data entry
//   key "vetquant.payload", value = decimal index into payloads().
// No entry with a key that begins with "vetquant." survives from the file, so a mark is always ours. Small tensors stay
// as they are (normalised to raw_data). Constant's value_floats / value_ints above 1 KiB are turned into `value`.
//
// A model file is hostile input; its limits are in src/model/load_limits.h. Error{kBadModel} with the byte offset
// or the address; Error{kIo} where the file cannot be read.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/core/file.h"
#include "vetquant/model/tensor_view.h"

namespace onnx {
class ModelProto;
class TensorProto;
}  // namespace onnx

namespace vetquant {

inline constexpr uint64_t kInlineLimitBytes = 1024;
inline constexpr const char* kPayloadMark = "vetquant.payload";    // tensor of the loaded model
inline constexpr const char* kDeclaredMark = "vetquant.declared";  // tensor that an emitter declared (emit/emitted.h)

class Model {
 public:
  static std::shared_ptr<const Model> load(const std::filesystem::path& path);
  // The same files behind another skeleton: marks count on from `base`'s payloads into `more`.
  static std::shared_ptr<const Model> derived(const Model& base, onnx::ModelProto skeleton,
                                              const std::vector<std::shared_ptr<const PayloadSource>>& more);
  size_t payload_count() const { return payloads_.size(); }

  const onnx::ModelProto& skeleton() const { return *skeleton_; }
  const std::filesystem::path& path() const { return path_; }
  uint64_t file_bytes() const;      // of the model file
  uint64_t external_bytes() const;  // of the external files it refers to
  uint64_t total_bytes() const { return file_bytes() + external_bytes(); }
  const std::vector<std::shared_ptr<const ReadFile>>& files() const { return files_; }  // [0] is the model file

  // The payload behind a marked tensor of the skeleton, or of an inline one (decoded); its address is left to the caller.
  std::shared_ptr<const StoredTensor> stored(const onnx::TensorProto& tensor, std::string address) const;

  // XXH3-128 of model file then external files: reads every byte. Empty where `abandoned` became true meanwhile.
  std::string digest(const std::atomic<bool>* abandoned = nullptr) const;
  void check_unchanged() const;  // Error{kIo} where a file changed since load

 private:
  friend class ModelLoader;
  Model() = default;
  std::filesystem::path path_;
  std::unique_ptr<onnx::ModelProto> skeleton_;
  std::vector<std::shared_ptr<const ReadFile>> files_;
  std::vector<std::shared_ptr<const PayloadSource>> payloads_;
};

// What ONNX's own checker says against the model, or nullopt. It refuses models that run (contrib operators in the
// standard domain, odd sparse tensors), so the caller decides what it means.
std::optional<std::string> checker_complaint(const Model& model);

// Is this tensor of a skeleton only a mark, and of which kind? Returns the index, or -1.
int64_t mark_of(const onnx::TensorProto& tensor, const char* key);
void set_mark(onnx::TensorProto& tensor, const char* key, int64_t index);

}  // namespace vetquant
