#include "vetquant/model/skeleton.h"

#include <google/protobuf/arena.h>
#include <onnx/onnx_pb.h>

namespace vetquant {

std::shared_ptr<onnx::ModelProto> make_skeleton() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = size_t{64} << 10;
  options.max_block_size = size_t{1} << 20;
  const auto arena = std::make_shared<google::protobuf::Arena>(options);
  return {arena, google::protobuf::Arena::CreateMessage<onnx::ModelProto>(arena.get())};
}

std::shared_ptr<onnx::ModelProto> copy_skeleton(const onnx::ModelProto& source) {
  std::shared_ptr<onnx::ModelProto> copy = make_skeleton();
  copy->CopyFrom(source);
  return copy;
}

}  // namespace vetquant
