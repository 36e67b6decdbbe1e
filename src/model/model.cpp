#include "vetquant/model/model.h"

#include <google/protobuf/io/coded_stream.h>
#include <onnx/onnx_pb.h>

#include <charconv>
#include <cstring>

#include "load_limits.h"
#include "payload.h"
#include "scan_context.h"
#include "skeleton_scanner.h"
#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {

namespace {

std::unique_ptr<onnx::ModelProto> parse(const std::string& bytes, const std::filesystem::path& path) {
  auto model = std::make_unique<onnx::ModelProto>();
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(limits::kMessageDepth + 1);
  if (!model->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    throw Error(ErrorCode::kBadModel, "is no valid ONNX model: protobuf refuses it", path.string());
  }
  if (!model->has_graph()) {
    throw Error(ErrorCode::kBadModel, "is no ONNX model: it has no graph", path.string());
  }
  return model;
}

template <class T, class Values>
std::string packed(const Values& values) {
  std::string bytes(static_cast<size_t>(values.size()) * sizeof(T), '\0');
  for (int i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values.Get(i));
    std::memcpy(bytes.data() + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

// A tensor with its data inside, as an emitter may have made it: what raw_data would hold.
std::string inline_bytes(const onnx::TensorProto& tensor, DType type) {
  if (tensor.has_raw_data()) return tensor.raw_data();
  if (tensor.float_data_size() > 0) return packed<float>(tensor.float_data());
  if (tensor.double_data_size() > 0) return packed<double>(tensor.double_data());
  if (tensor.int64_data_size() > 0) return packed<int64_t>(tensor.int64_data());
  if (tensor.uint64_data_size() > 0) {
    return type == DType::kUint32 ? packed<uint32_t>(tensor.uint64_data()) : packed<uint64_t>(tensor.uint64_data());
  }
  switch (bits_of(type)) {
    case 32:
      return packed<int32_t>(tensor.int32_data());
    case 16:
      return packed<uint16_t>(tensor.int32_data());
    default:
      return packed<uint8_t>(tensor.int32_data());
  }
}

}  // namespace

class ModelLoader {
 public:
  static std::shared_ptr<const Model> load(const std::filesystem::path& path) {
    const auto file = ReadFile::open(path, ErrorCode::kBadModel);
    ScanContext context(file);
    const std::string skeleton = scan_skeleton(context);
    std::shared_ptr<Model> model(new Model());
    model->path_ = path;
    model->skeleton_ = parse(skeleton, path);
    model->files_ = context.external.files();
    model->payloads_ = std::move(context.payloads);
    return model;
  }
};

std::shared_ptr<const Model> Model::load(const std::filesystem::path& path) { return ModelLoader::load(path); }

std::shared_ptr<const Model> Model::derived(const Model& base, onnx::ModelProto skeleton,
                                            const std::vector<std::shared_ptr<const PayloadSource>>& more) {
  std::shared_ptr<Model> model(new Model());
  model->path_ = base.path_;
  model->skeleton_ = std::make_unique<onnx::ModelProto>(std::move(skeleton));
  model->files_ = base.files_;
  model->payloads_ = base.payloads_;
  model->payloads_.insert(model->payloads_.end(), more.begin(), more.end());
  return model;
}

uint64_t Model::file_bytes() const { return files_.front()->size_bytes(); }

uint64_t Model::external_bytes() const {
  uint64_t sum = 0;
  for (size_t i = 1; i < files_.size(); ++i) sum += files_[i]->size_bytes();
  return sum;
}

std::shared_ptr<const StoredTensor> Model::stored(const onnx::TensorProto& tensor, std::string address) const {
  auto stored = std::make_shared<StoredTensor>();
  stored->address = std::move(address);
  stored->dtype = static_cast<DType>(tensor.data_type());
  stored->shape.assign(tensor.dims().begin(), tensor.dims().end());
  const auto elements = checked_elements(stored->shape);
  if (!elements || bits_of(stored->dtype) == 0) {
    throw Error(ErrorCode::kInternal, "has no numbers that could be read", stored->address);
  }
  stored->elements = *elements;
  const int64_t mark = mark_of(tensor, kPayloadMark);
  if (mark >= 0) {
    if (static_cast<size_t>(mark) >= payloads_.size()) {
      throw Error(ErrorCode::kInternal, "has a mark that this model did not give", stored->address);
    }
    stored->source = payloads_[static_cast<size_t>(mark)];
  } else {
    stored->source = std::make_shared<PayloadSource>(inline_bytes(tensor, stored->dtype));
  }
  if (stored->source->decoded_bytes() != bytes_of(stored->dtype, stored->elements)) {
    throw Error(ErrorCode::kInternal, "has data that does not fit its shape", stored->address);
  }
  stored->stored_bytes = stored->source->stored_bytes();
  return stored;
}

std::string Model::digest(const std::atomic<bool>* abandoned) const {
  Hasher hasher;
  std::vector<std::byte> tile(256u << 10);
  for (const auto& file : files_) {
    for (uint64_t done = 0; done < file->size_bytes();) {
      interrupt::check();
      if (abandoned != nullptr && abandoned->load()) return {};
      const auto now = std::min<uint64_t>(tile.size(), file->size_bytes() - done);
      file->read(done, std::span(tile).first(now));
      hasher.update(std::span<const std::byte>(tile).first(now));
      done += now;
    }
  }
  return hasher.hex();
}

void Model::check_unchanged() const {
  for (const auto& file : files_) file->check_unchanged();
}

int64_t mark_of(const onnx::TensorProto& tensor, const char* key) {
  if (tensor.external_data_size() != 1 || tensor.external_data(0).key() != key) return -1;
  const std::string& text = tensor.external_data(0).value();
  int64_t index = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  return error == std::errc() && stop == text.data() + text.size() ? index : -1;
}

void set_mark(onnx::TensorProto& tensor, const char* key, int64_t index) {
  tensor.clear_raw_data();
  tensor.clear_float_data();
  tensor.clear_int32_data();
  tensor.clear_int64_data();
  tensor.clear_double_data();
  tensor.clear_uint64_data();
  tensor.clear_external_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  auto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(std::to_string(index));
}

}  // namespace vetquant
