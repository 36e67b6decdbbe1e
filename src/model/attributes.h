// Attributes of a node that may be missing, of another type, or references to a function's parameters.
#pragma once

#include <onnx/onnx_pb.h>

#include <string_view>

namespace vetquant {

// The attribute of that name and type, given as a literal; null otherwise.
const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name,
                                           onnx::AttributeProto::AttributeType type);

// There is such an attribute, but its value is only known where the function is called.
bool is_reference(const onnx::NodeProto& node, std::string_view name);

// "" for the two spellings of the standard domain.
std::string_view normal_domain(std::string_view domain);

}  // namespace vetquant
