#include "skeleton_scanner.h"

#include <cstring>
#include <optional>

#include "chunks.h"
#include "onnx_schema.h"
#include "tensor_scanner.h"
#include "vetquant/core/dtype.h"
#include "vetquant/core/error.h"
#include "vetquant/model/model.h"
#include "wire_tags.h"

namespace vetquant {

namespace {

class SkeletonScan {
 public:
  explicit SkeletonScan(ScanContext& context) : context_(context), cursor_(context.cursor) {}

  std::string run() {
    std::string out;
    message(MessageKind::kModel, cursor_.file().size_bytes(), out);
    return out;
  }

 private:
  void message(MessageKind kind, uint64_t end, std::string& out);
  void fields(MessageKind kind, uint64_t end, std::string& out);
  bool is_constant_node(uint64_t end);
  bool large_value_list(uint64_t end, std::string& out);
  void check_once(const FieldKind& kind, const WireTag& tag, uint32_t& seen);

  ScanContext& context_;
  FileCursor& cursor_;
  int depth_ = 0;
  bool in_constant_ = false;  // the attributes being read are those of a Constant node
};

void SkeletonScan::message(MessageKind kind, uint64_t end, std::string& out) {
  if (depth_ >= limits::kMessageDepth) {
    cursor_.fail("is nested more than " + std::to_string(limits::kMessageDepth) +
                 " messages deep, which no runtime reads either; the file is corrupt or hostile");
  }
  context_.charge(0, limits::kMessageMemoryBytes);
  if (kind == MessageKind::kTensor) return scan_tensor(context_, end, out);
  if (kind == MessageKind::kAttribute && in_constant_ && large_value_list(end, out)) return;
  ++depth_;
  const bool outer = in_constant_;
  in_constant_ = kind == MessageKind::kNode && is_constant_node(end);
  fields(kind, end, out);
  in_constant_ = outer;
  --depth_;
}

void SkeletonScan::check_once(const FieldKind& kind, const WireTag& tag, uint32_t& seen) {
  if (!kind.once) return;
  const uint32_t bit = 1u << tag.number;
  if ((seen & bit) != 0)
    cursor_.fail_at(tag.begin, std::string("the field '") + kind.name + "' appears twice in one message");
  seen |= bit;
}

void SkeletonScan::fields(MessageKind kind, uint64_t end, std::string& out) {
  uint32_t seen = 0;
  while (cursor_.position() < end) {
    const WireTag tag = read_tag(cursor_, end);
    const FieldKind inner = field_kind(kind, tag.number);
    if (tag.type != WireType::kBytes || inner.message == MessageKind::kLeaf) {
      copy_field(context_, tag, end, out);
      continue;
    }
    check_once(inner, tag, seen);
    const uint64_t length = read_length(cursor_, end);
    const uint64_t stop = cursor_.position() + length;
    std::string child;
    message(inner.message, stop, child);
    cursor_.seek(stop);
    context_.charge(6, 0);
    append_bytes(tag.number, child, out);
  }
}

// Looks ahead for op_type and domain: only Constant's lists of numbers are tensors.
bool SkeletonScan::is_constant_node(uint64_t end) {
  const uint64_t begin = cursor_.position();
  bool constant = false, standard = true;
  while (cursor_.position() < end) {
    const WireTag tag = read_tag(cursor_, end);
    if (tag.type != WireType::kBytes || (tag.number != 4 && tag.number != 7)) {
      skip_field(cursor_, tag, end);
      continue;
    }
    std::string text;
    const uint64_t length = read_length(cursor_, end);
    const uint64_t stop = cursor_.position() + length;
    if (length <= 8) cursor_.append_to(text, length, end);
    cursor_.seek(stop);
    if (tag.number == 4) constant = length == 8 && text == "Constant";
    if (tag.number == 7) standard = length == 0 || text == "ai.onnx";
  }
  cursor_.seek(begin);
  return constant && standard;
}

// AttributeProto `value_floats` or `value_ints` above the inline limit becomes the attribute `value` with a marked
// tensor.
bool SkeletonScan::large_value_list(uint64_t end, std::string& out) {
  enum : uint32_t { kName = 1, kFloats = 7, kInts = 8 };
  const uint64_t begin = cursor_.position();
  std::string name;
  ChunkList floats, ints;
  while (cursor_.position() < end) {
    const WireTag tag = read_tag(cursor_, end);
    const uint64_t value = cursor_.position();
    if (tag.number == kFloats || tag.number == kInts) {
      auto& list = tag.number == kFloats ? floats : ints;
      if (tag.type == WireType::kBytes) {
        const uint64_t length = read_length(cursor_, end);
        list.add_packed(tag.number, cursor_.position(), length);
        cursor_.seek(cursor_.position() + length);
      } else {
        skip_field(cursor_, tag, end);
        const WireType expected = tag.number == kFloats ? WireType::kFixed32 : WireType::kVarint;
        if (tag.type != expected) cursor_.fail_at(tag.begin, "a list of numbers has the wrong wire type");
        if (list.add_entry(tag.number, tag.begin, value, cursor_.position())) context_.charge(0, sizeof(Chunk));
      }
    } else if (tag.number == kName && tag.type == WireType::kBytes) {
      const uint64_t length = read_length(cursor_, end);
      name.clear();
      if (length <= 16) {
        cursor_.append_to(name, length, end);
      } else {
        cursor_.seek(cursor_.position() + length);
      }
    } else {
      skip_field(cursor_, tag, end);
    }
  }
  const bool is_floats = name == "value_floats";
  if (is_floats || name == "value_ints") {
    const DType type = is_floats ? DType::kFloat32 : DType::kInt64;
    auto source = std::make_shared<PayloadSource>(cursor_.shared_file(),
                                                  is_floats ? segments_of(floats, Coding::kFixed, 4, type, cursor_)
                                                            : segments_of(ints, Coding::kVarint, 8, type, cursor_));
    if (source->decoded_bytes() > kInlineLimitBytes) {
      const auto count = static_cast<int64_t>(source->decoded_bytes() / (is_floats ? 4 : 8));
      std::string tensor;
      append_marked_tensor(context_, {count}, static_cast<int32_t>(type), std::move(source), tensor);
      append_bytes(kName, "value", out);
      append_bytes(5, tensor, out);
      append_tag(out, 20, WireType::kVarint);
      append_varint(out, 4);  // AttributeProto.TENSOR
      return true;
    }
  }
  cursor_.seek(begin);
  return false;
}

}  // namespace

std::string scan_skeleton(ScanContext& context) { return SkeletonScan(context).run(); }

}  // namespace vetquant
