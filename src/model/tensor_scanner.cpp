#include "tensor_scanner.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "chunks.h"
#include "vetquant/core/checked.h"
#include "vetquant/core/dtype.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/model/model.h"
#include "vetquant/model/wire.h"
#include "wire_tags.h"

namespace vetquant {

namespace {

// Field numbers of TensorProto and its parts (onnx.proto).
enum : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kFloatData = 4,
  kInt32Data = 5,
  kStringData = 6,
  kInt64Data = 7,
  kName = 8,
  kRawData = 9,
  kDoubleData = 10,
  kUint64Data = 11,
  kExternalData = 13,
  kDataLocation = 14,
};

constexpr const char* field_name(uint32_t field) {
  switch (field) {
    case kFloatData:
      return "float_data";
    case kInt32Data:
      return "int32_data";
    case kInt64Data:
      return "int64_data";
    case kDoubleData:
      return "double_data";
    case kUint64Data:
      return "uint64_data";
    default:
      return "raw_data";
  }
}

// Bytes of one decoded entry of a typed field for an element type; 0 where the field cannot hold the type.
uint32_t entry_bytes(uint32_t field, DType type) {
  switch (field) {
    case kFloatData:
      return type == DType::kFloat32 || type == DType::kComplex64 ? 4 : 0;
    case kDoubleData:
      return type == DType::kFloat64 || type == DType::kComplex128 ? 8 : 0;
    case kInt64Data:
      return type == DType::kInt64 ? 8 : 0;
    case kUint64Data:
      return type == DType::kUint64 ? 8 : type == DType::kUint32 ? 4 : 0;
    case kInt32Data:
      break;
    default:
      return 1;  // raw_data
  }
  switch (type) {
    case DType::kFloat32:
    case DType::kFloat64:
    case DType::kInt64:
    case DType::kUint64:
    case DType::kUint32:
    case DType::kComplex64:
    case DType::kComplex128:
      return 0;
    default:
      return static_cast<uint32_t>(std::max(bits_of(type), 8) / 8);
  }
}

class TensorScan {
 public:
  TensorScan(ScanContext& context, uint64_t end)
      : context_(context), cursor_(context.cursor), begin_(context.cursor.position()), end_(end) {}

  void run(std::string& out) {
    while (cursor_.position() < end_) field();
    finish(out);
  }

 private:
  void field();
  void data_field(const WireTag& tag);
  void dims_field(const WireTag& tag);
  void external_field();
  void finish(std::string& out);
  void finish_strings(uint64_t elements, std::string& out);
  std::shared_ptr<const PayloadSource> payload(DType type, uint64_t elements);
  std::shared_ptr<const PayloadSource> inner_payload(DType type, uint64_t expected);
  std::shared_ptr<const PayloadSource> external_payload(uint64_t expected);
  uint64_t external_number(const std::string& key) const;
  std::string place() const;
  std::string shape_text(DType type) const;
  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorCode::kBadModel, what, place()); }

  ScanContext& context_;
  FileCursor& cursor_;
  uint64_t begin_, end_;
  std::vector<int64_t> dims_;
  int32_t type_ = 0;
  std::string name_;
  std::string rest_;  // fields that go into the skeleton as they are
  ChunkList data_;
  uint64_t strings_ = 0;
  bool has_raw_ = false;
  bool is_external_ = false;
  std::map<std::string, std::string> external_;
};

std::string TensorScan::place() const {
  std::string text = cursor_.file().path().string() + ": byte " + std::to_string(begin_);
  if (!name_.empty()) text += ": tensor '" + printable(name_) + "'";
  return text;
}

std::string TensorScan::shape_text(DType type) const {
  std::string text = std::string(name_of(type)) + "[";
  for (size_t i = 0; i < dims_.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(dims_[i]);
  return text + "]";
}

void TensorScan::field() {
  const WireTag tag = read_tag(cursor_, end_);
  const bool bytes = tag.type == WireType::kBytes;
  switch (tag.number) {
    case kDims:
      return dims_field(tag);
    case kFloatData:
    case kInt32Data:
    case kInt64Data:
    case kRawData:
    case kDoubleData:
    case kUint64Data:
      return data_field(tag);
    case kDataType:
      if (tag.type != WireType::kVarint) break;
      type_ = static_cast<int32_t>(cursor_.varint(end_));
      return;
    case kDataLocation:
      if (tag.type != WireType::kVarint) break;
      is_external_ = cursor_.varint(end_) == 1;
      return;
    case kExternalData:
      if (!bytes) break;
      return external_field();
    case kSegment:
      fail("is stored in segments, which no runtime reads");
    case kStringData:
      strings_ += bytes ? 1 : 0;
      break;
    case kName: {
      if (!bytes) break;
      const uint64_t length = read_length(cursor_, end_);
      name_.clear();
      cursor_.append_to(name_, length, end_);
      cursor_.seek(tag.begin);
      read_tag(cursor_, end_);
      break;
    }
    default:
      break;
  }
  copy_field(context_, tag, end_, rest_);
}

void TensorScan::dims_field(const WireTag& tag) {
  if (tag.type == WireType::kVarint) {
    dims_.push_back(static_cast<int64_t>(cursor_.varint(end_)));
  } else if (tag.type == WireType::kBytes) {
    const uint64_t length = read_length(cursor_, end_);
    const uint64_t stop = cursor_.position() + length;
    while (cursor_.position() < stop && dims_.size() <= limits::kTensorRank) {
      dims_.push_back(static_cast<int64_t>(cursor_.varint(stop)));
    }
  } else {
    fail("a dimension has the wrong wire type");
  }
  if (dims_.size() > limits::kTensorRank) fail("has more than " + std::to_string(limits::kTensorRank) + " dimensions");
}

void TensorScan::data_field(const WireTag& tag) {
  const bool varints = tag.number == kInt32Data || tag.number == kInt64Data || tag.number == kUint64Data;
  const WireType single = varints                     ? WireType::kVarint
                          : tag.number == kFloatData  ? WireType::kFixed32
                          : tag.number == kDoubleData ? WireType::kFixed64
                                                      : WireType::kBytes;
  if (tag.type != WireType::kBytes && tag.type != single) {
    fail(std::string(field_name(tag.number)) + " has the wrong wire type");
  }
  if (tag.number == kRawData && has_raw_) fail("has raw_data twice");
  has_raw_ = has_raw_ || tag.number == kRawData;
  if (!data_.empty() && data_.chunks().front().field != tag.number) {
    fail(std::string("has its data twice: in ") + field_name(data_.chunks().front().field) + " and in " +
         field_name(tag.number));
  }
  if (tag.type == WireType::kBytes) {
    const uint64_t length = read_length(cursor_, end_);
    data_.add_packed(tag.number, cursor_.position(), length);
    context_.charge(0, sizeof(Segment) + sizeof(Chunk));
    cursor_.seek(cursor_.position() + length);
    return;
  }
  const uint64_t begin = cursor_.position();
  if (varints) {
    cursor_.varint(end_);
  } else {
    cursor_.fixed(single == WireType::kFixed32 ? 4 : 8, end_);
  }
  if (data_.add_entry(tag.number, tag.begin, begin, cursor_.position())) {
    context_.charge(0, sizeof(Segment) + sizeof(Chunk));
  }
}

void TensorScan::external_field() {
  const uint64_t length = read_length(cursor_, end_);
  std::string entry;
  context_.charge(length, 2 * length + limits::kMessageMemoryBytes);
  cursor_.append_to(entry, length, end_);
  std::string key, value;
  WireReader reader({reinterpret_cast<const uint8_t*>(entry.data()), entry.size()}, 0, entry.size());
  for (WireField part; reader.next(part);) {
    if (part.type != WireType::kBytes) continue;
    if (part.number == 1) key = entry.substr(part.payload, part.length);
    if (part.number == 2) value = entry.substr(part.payload, part.length);
  }
  if (key.starts_with("vetquant.")) fail("external_data has the key '" + printable(key) + "', which is reserved");
  if (!external_.emplace(key, value).second) fail("external_data has the key '" + printable(key) + "' twice");
}

uint64_t TensorScan::external_number(const std::string& key) const {
  const std::string& text = external_.at(key);
  uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) {
    fail("external_data has the " + key + " '" + printable(text) + "', which is no number of bytes");
  }
  return value;
}

std::shared_ptr<const PayloadSource> TensorScan::external_payload(uint64_t expected) {
  const auto location = external_.find("location");
  if (location == external_.end()) fail("lies in an external file, but external_data names no location");
  const uint64_t offset = external_.contains("offset") ? external_number("offset") : 0;
  const uint64_t length = external_.contains("length") ? external_number("length") : expected;
  const auto file = context_.external.open(location->second, place());
  if (length != expected) {
    fail("takes " + std::to_string(length) + " bytes of external file '" + printable(location->second) + "', but " +
         shape_text(static_cast<DType>(type_)) + " needs " + std::to_string(expected));
  }
  if (offset > file->size_bytes() || length > file->size_bytes() - offset) {
    fail("takes bytes " + std::to_string(offset) + " + " + std::to_string(length) + " of external file '" +
         printable(location->second) + "', which has only " + std::to_string(file->size_bytes()));
  }
  std::vector<Segment> segments;
  if (length > 0) segments.push_back({Coding::kFixed, 1, 0, offset, length, length, 0, {}});
  return std::make_shared<PayloadSource>(file, std::move(segments));
}

std::shared_ptr<const PayloadSource> TensorScan::inner_payload(DType type, uint64_t expected) {
  std::vector<Segment> segments;
  if (!data_.empty()) {
    const uint32_t field = data_.chunks().front().field;
    const uint32_t bytes = entry_bytes(field, type);
    if (bytes == 0) fail(std::string(field_name(field)) + " cannot hold values of type " + std::string(name_of(type)));
    const bool fixed = field == kRawData || field == kFloatData || field == kDoubleData;
    segments = segments_of(data_, fixed ? Coding::kFixed : Coding::kVarint, bytes, type, cursor_);
  }
  auto source = std::make_shared<PayloadSource>(context_.cursor.shared_file(), std::move(segments));
  if (source->decoded_bytes() != expected) {
    const std::string holder = data_.empty() ? "it has no data"
                                             : std::string(field_name(data_.chunks().front().field)) + " holds " +
                                                   std::to_string(source->decoded_bytes()) + " bytes";
    fail(shape_text(type) + " needs " + std::to_string(expected) + " bytes, but " + holder);
  }
  return source;
}

std::shared_ptr<const PayloadSource> TensorScan::payload(DType type, uint64_t elements) {
  if (!checked_mul(elements, static_cast<uint64_t>(bits_of(type))))
    fail(shape_text(type) + " is too large for any file");
  const uint64_t expected = bytes_of(type, elements);
  if (!is_external_) return inner_payload(type, expected);
  auto source = external_payload(expected);
  if (!data_.empty()) {
    fail("has its data twice: in an external file and in " + std::string(field_name(data_.chunks().front().field)));
  }
  return source;
}

void TensorScan::finish_strings(uint64_t elements, std::string& out) {
  if (is_external_ || !data_.empty()) fail("holds strings, which belong into string_data");
  if (strings_ != elements) {
    fail(shape_text(DType::kString) + " needs " + std::to_string(elements) + " strings, but string_data holds " +
         std::to_string(strings_));
  }
  append_tensor_head(dims_, type_, out);
  out += rest_;
}

void TensorScan::finish(std::string& out) {
  const auto type = static_cast<DType>(type_);
  if (type != DType::kString && bits_of(type) == 0) {  // a type of tomorrow: kept untouched
    if (is_external_) fail("has the unknown data type " + std::to_string(type_) + " and lies in an external file");
    cursor_.seek(begin_);
    context_.charge(end_ - begin_, end_ - begin_);
    cursor_.append_to(out, end_ - begin_, end_);
    return;
  }
  for (int64_t dim : dims_) {
    if (dim < 0) fail("has the negative dimension " + std::to_string(dim));
  }
  const auto elements = checked_elements(dims_);
  if (!elements) fail(shape_text(type) + " is too large for any file");
  if (type == DType::kString) return finish_strings(*elements, out);
  if (strings_ > 0) fail("has string_data, but the type " + std::string(name_of(type)));
  auto source = payload(type, *elements);
  cursor_.seek(end_);
  context_.charge(16 + 10 * dims_.size(), 8 * dims_.size());
  if (source->decoded_bytes() > kInlineLimitBytes) {
    append_marked_tensor(context_, dims_, type_, std::move(source), out);
  } else {
    append_tensor_head(dims_, type_, out);
    std::string bytes(source->decoded_bytes(), '\0');
    source->read(0, std::as_writable_bytes(std::span(bytes)));
    context_.charge(bytes.size(), bytes.size());
    append_bytes(kRawData, bytes, out);
  }
  out += rest_;
}

}  // namespace

void scan_tensor(ScanContext& context, uint64_t end, std::string& out) { TensorScan(context, end).run(out); }

void append_marked_tensor(ScanContext& context, const std::vector<int64_t>& dims, int32_t type,
                          std::shared_ptr<const PayloadSource> payload, std::string& out) {
  append_tensor_head(dims, type, out);
  std::string entry;
  append_bytes(1, kPayloadMark, entry);
  append_bytes(2, std::to_string(context.payloads.size()), entry);
  append_bytes(kExternalData, entry, out);
  append_tag(out, kDataLocation, WireType::kVarint);
  append_varint(out, 1);
  context.payloads.push_back(std::move(payload));
}

}  // namespace vetquant
