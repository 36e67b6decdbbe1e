// Models without their weights, whose thousands of small parts lie in one arena: made and given back as a whole.
#pragma once

#include <memory>

namespace onnx {
class ModelProto;
}

namespace vetquant {

std::shared_ptr<onnx::ModelProto> make_skeleton();
std::shared_ptr<onnx::ModelProto> copy_skeleton(const onnx::ModelProto& source);

}  // namespace vetquant
