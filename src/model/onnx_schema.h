// Which fields of ONNX's messages are messages themselves (onnx.proto, IR 13). The scanner descends into these, so that
// every length of the file is checked by us, with its byte offset, before protobuf sees anything.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vetquant {

enum class MessageKind : uint8_t {
  kLeaf,  // no message, or one unknown to us: copied
  kModel,
  kGraph,
  kFunction,
  kTraining,
  kNode,
  kAttribute,
  kTensor,
  kSparseTensor,
  kValueInfo,
  kType,
  kTensorType,
  kElementType,  // Sequence, Optional: a type in a type
  kMapType,
  kShape,
  kOpaque,  // messages without messages inside
  kAnnotation,
  kNodeDevice,
  kSharding,
  kShardedDim,
  kCount,
};

struct FieldKind {
  MessageKind message = MessageKind::kLeaf;
  bool once = false;  // protobuf would merge two of them into one; a file that has two is refused
  const char* name = "";
};

FieldKind field_kind(MessageKind parent, uint32_t field);

}  // namespace vetquant
