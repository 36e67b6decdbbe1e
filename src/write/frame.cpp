#include "frame.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "vetquant/core/error.h"
#include "vetquant/model/wire.h"

namespace vetquant {
namespace {

enum class Kind { kModel, kTraining, kGraph, kFunction, kNode, kAttribute, kSparse, kTensor };

struct Child {
  Kind parent;
  uint32_t field;
  Kind kind;
};

// The messages on the way from a ModelProto to its tensors.
constexpr Child kChildren[] = {
    {Kind::kModel, 7, Kind::kGraph},       {Kind::kModel, 20, Kind::kTraining},
    {Kind::kModel, 25, Kind::kFunction},   {Kind::kTraining, 1, Kind::kGraph},
    {Kind::kTraining, 2, Kind::kGraph},    {Kind::kGraph, 1, Kind::kNode},
    {Kind::kGraph, 5, Kind::kTensor},      {Kind::kGraph, 15, Kind::kSparse},
    {Kind::kFunction, 7, Kind::kNode},     {Kind::kFunction, 11, Kind::kAttribute},
    {Kind::kNode, 5, Kind::kAttribute},    {Kind::kAttribute, 5, Kind::kTensor},
    {Kind::kAttribute, 6, Kind::kGraph},   {Kind::kAttribute, 10, Kind::kTensor},
    {Kind::kAttribute, 11, Kind::kGraph},  {Kind::kAttribute, 22, Kind::kSparse},
    {Kind::kAttribute, 23, Kind::kSparse}, {Kind::kSparse, 1, Kind::kTensor},
    {Kind::kSparse, 2, Kind::kTensor},
};

const Child* child_of(Kind parent, const WireField& field) {
  if (field.type != WireType::kBytes) return nullptr;
  for (const Child& child : kChildren) {
    if (child.parent == parent && child.field == field.number) return &child;
  }
  return nullptr;
}

constexpr uint32_t kTensorRawData = 9;
constexpr std::string_view kAnyMark = "vetquant.";

uint64_t align_up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

class Framer {
 public:
  Framer(const Model& model, const Emitted& emitted, const std::optional<std::string>& sidecar)
      : model_(model), emitted_(emitted), sidecar_(sidecar) {
    if (!emitted.skeleton->SerializeToString(&skeleton_)) {
      throw Error(ErrorCode::kInternal, "the graph without its weights is above 2 GB");
    }
  }

  Framed frame() {
    Part whole = message(Kind::kModel, 0, skeleton_.size());
    Framed out;
    out.literals = std::move(whole.literals);
    out.gap_at = std::move(whole.gap_at);
    out.gaps = std::move(whole.gaps);
    uint64_t shift = 0;
    for (size_t i = 0; i < out.gap_at.size(); ++i) {
      out.gaps[i].offset = out.gap_at[i] + shift;
      shift += out.gaps[i].bytes;
    }
    out.model_bytes = out.literals.size() + shift;
    out.sidecar_bytes = sidecar_end_;
    return out;
  }

 private:
  struct Part {
    std::string literals;
    std::vector<uint64_t> gap_at;
    std::vector<Gap> gaps;
    uint64_t gap_bytes = 0;
    uint64_t bytes() const { return literals.size() + gap_bytes; }
  };

  bool has_mark(size_t begin, size_t end) const {
    return std::string_view(skeleton_).substr(begin, end - begin).find(kAnyMark) != std::string_view::npos;
  }

  Part message(Kind kind, size_t begin, size_t end) {
    Part out;
    WireReader reader({reinterpret_cast<const uint8_t*>(skeleton_.data()), skeleton_.size()}, begin, end);
    WireField field;
    while (reader.next(field)) {
      const Child* child = child_of(kind, field);
      if (child == nullptr || !has_mark(field.payload, field.payload + field.length)) {
        const size_t field_end = field.type == WireType::kBytes ? field.payload + field.length : end_of(field);
        out.literals.append(skeleton_, field.begin, field_end - field.begin);
        continue;
      }
      Part inner = child->kind == Kind::kTensor ? tensor(field.payload, field.length)
                                                : message(child->kind, field.payload, field.payload + field.length);
      append_tag(out.literals, field.number, WireType::kBytes);
      append_varint(out.literals, inner.bytes());
      for (uint64_t at : inner.gap_at) out.gap_at.push_back(out.literals.size() + at);
      out.gaps.insert(out.gaps.end(), std::make_move_iterator(inner.gaps.begin()),
                      std::make_move_iterator(inner.gaps.end()));
      out.gap_bytes += inner.gap_bytes;
      out.literals += inner.literals;
    }
    return out;
  }

  static size_t end_of(const WireField& field) {
    const size_t tag = varint_size(static_cast<uint64_t>(field.number) << 3);
    switch (field.type) {
      case WireType::kVarint:
        return field.begin + tag + varint_size(field.varint);
      case WireType::kFixed64:
        return field.begin + tag + 8;
      case WireType::kFixed32:
        return field.begin + tag + 4;
      case WireType::kBytes:
        break;
    }
    return field.payload + field.length;
  }

  Part tensor(size_t begin, size_t length) {
    onnx::TensorProto proto;
    if (!proto.ParseFromArray(skeleton_.data() + begin, static_cast<int>(length))) {
      throw Error(ErrorCode::kInternal, "a tensor of the rewritten graph does not parse");
    }
    Part out;
    Gap gap;
    const int64_t declared = mark_of(proto, kDeclaredMark);
    if (declared >= 0) {
      gap.declared = static_cast<int>(declared);
      gap.bytes = emitted_.declared.at(static_cast<size_t>(declared)).bytes();
    } else if (mark_of(proto, kPayloadMark) >= 0) {
      gap.stored = model_.stored(proto, proto.name());
      gap.bytes = bytes_of(gap.stored->dtype, gap.stored->elements);
    } else {  // only a name that looks like a mark
      out.literals.assign(skeleton_, begin, length);
      return out;
    }
    proto.clear_external_data();
    proto.clear_data_location();
    proto.clear_raw_data();
    if (sidecar_) {
      place_in_sidecar(proto, gap);
      proto.SerializeToString(&out.literals);
    } else {
      proto.SerializeToString(&out.literals);
      append_tag(out.literals, kTensorRawData, WireType::kBytes);
      append_varint(out.literals, gap.bytes);
      out.gap_at.push_back(out.literals.size());
      out.gap_bytes = gap.bytes;
    }
    out.gaps.push_back(std::move(gap));
    return out;
  }

  void place_in_sidecar(onnx::TensorProto& proto, Gap& gap) {
    constexpr uint64_t kPage = 4096, kPageFrom = 1u << 20, kLine = 64;
    gap.offset = align_up(sidecar_end_, gap.bytes >= kPageFrom ? kPage : kLine);
    sidecar_end_ = gap.offset + gap.bytes;
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    const auto entry = [&proto](const char* key, const std::string& value) {
      auto* pair = proto.add_external_data();
      pair->set_key(key);
      pair->set_value(value);
    };
    entry("location", *sidecar_);
    entry("offset", std::to_string(gap.offset));
    entry("length", std::to_string(gap.bytes));
  }

  const Model& model_;
  const Emitted& emitted_;
  const std::optional<std::string>& sidecar_;
  std::string skeleton_;
  uint64_t sidecar_end_ = 0;
};

}  // namespace

Framed frame_model(const Model& model, const Emitted& emitted, const std::optional<std::string>& sidecar_name) {
  return Framer(model, emitted, sidecar_name).frame();
}

}  // namespace vetquant
