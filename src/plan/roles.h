// Which inputs of which operators are weights.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "site.h"

namespace vetquant::plan {

using FunctionNames = std::set<std::pair<std::string, std::string>>;  // (domain, name) of the model's local functions
FunctionNames local_functions(const GraphIndex& index);

InputRole role_of(const onnx::NodeProto& node, int input, const FunctionNames& functions);
SiteKind kind_of(const onnx::NodeProto& node, int input, const TensorView& view);
bool already_quantized(const onnx::NodeProto& node);

// Why an input of this role is never a candidate, or "".
std::string never_because(InputRole role, const onnx::NodeProto& node);
// Operators that only rearrange a constant: what reads their result is what reads the constant.
bool is_chain_operator(const onnx::NodeProto& node);

bool is_standard(const std::string& domain);            // "" and "ai.onnx"
std::string qualified_op(const onnx::NodeProto& node);  // "MatMul", "com.microsoft:FusedMatMul"

}  // namespace vetquant::plan
