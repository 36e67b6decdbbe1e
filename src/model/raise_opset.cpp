#include <onnx/onnx_pb.h>
#include <onnx/version_converter/convert.h>

#include <exception>
#include <set>

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/model/rewrites.h"

namespace vetquant {
namespace {

std::set<int64_t> marks_of(const onnx::ModelProto& model) {
  std::set<int64_t> marks;
  for (const auto& tensor : model.graph().initializer()) marks.insert(mark_of(tensor, kPayloadMark));
  for (const auto& node : model.graph().node()) {
    if (const onnx::TensorProto* tensor = constant_tensor(node)) marks.insert(mark_of(*tensor, kPayloadMark));
  }
  marks.erase(-1);  // those without a mark
  return marks;
}

// Statistics and policies name values: a converter that renames one would lose them silently.
std::string lost_value(const onnx::ModelProto& before, const onnx::ModelProto& after) {
  std::set<std::string> names;
  for (const auto& node : after.graph().node()) names.insert(node.output().begin(), node.output().end());
  for (const auto& node : before.graph().node()) {
    for (const std::string& output : node.output()) {
      if (!names.contains(output)) return output;
    }
  }
  return {};
}

}  // namespace

Rewritten raise_opset(std::shared_ptr<const Model> model, int64_t opset) {
  const onnx::ModelProto& source = model->skeleton();
  const int64_t before = GraphIndex(source).opset(ScopeId{0}, "");
  if (before >= opset) return {std::move(model), {}};
  const std::string step = "opset " + std::to_string(before) + " -> " + std::to_string(opset);
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::kUnsupported, step + " cannot be done: " + why, model->path().string());
  };
  if (source.functions_size() > 0) refuse("ONNX's converter would drop the model's local functions; inline them first");
  onnx::ModelProto converted;
  try {
    converted = onnx::version_conversion::ConvertVersion(source, static_cast<int>(opset));
  } catch (const std::exception& error) {
    refuse("ONNX's converter says: " + printable(error.what(), 200));
  }
  if (const std::string lost = lost_value(source, converted); !lost.empty())
    refuse("ONNX's converter lost the value '" + printable(lost) + "'");
  if (marks_of(source) != marks_of(converted)) refuse("ONNX's converter lost a weight");
  *converted.mutable_metadata_props() = source.metadata_props();
  return {Model::derived(*model, std::move(converted), {}), {step + ", by ONNX's converter"}};
}

}  // namespace vetquant
