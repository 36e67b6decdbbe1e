#include "attributes.h"

#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant {

namespace {

using Attribute = onnx::AttributeProto;

// Models of IR version 1 leave the type out: what is filled in counts.
bool has_type(const Attribute& attribute, Attribute::AttributeType type) {
  if (attribute.type() != Attribute::UNDEFINED) return attribute.type() == type;
  switch (type) {
    case Attribute::FLOAT:
      return attribute.has_f();
    case Attribute::INT:
      return attribute.has_i();
    case Attribute::STRING:
      return attribute.has_s();
    case Attribute::TENSOR:
      return attribute.has_t();
    case Attribute::INTS:
      return attribute.ints_size() > 0;
    case Attribute::FLOATS:
      return attribute.floats_size() > 0;
    default:
      return false;
  }
}

}  // namespace

const Attribute* find_attribute(const onnx::NodeProto& node, std::string_view name, Attribute::AttributeType type) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name && attribute.ref_attr_name().empty() && has_type(attribute, type)) return &attribute;
  }
  return nullptr;
}

bool is_reference(const onnx::NodeProto& node, std::string_view name) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name && !attribute.ref_attr_name().empty()) return true;
  }
  return false;
}

std::string_view normal_domain(std::string_view domain) { return domain == "ai.onnx" ? std::string_view() : domain; }

const onnx::TensorProto* constant_tensor(const onnx::NodeProto& node) {
  if (node.op_type() != "Constant" || !normal_domain(node.domain()).empty()) return nullptr;
  const Attribute* value = find_attribute(node, "value", Attribute::TENSOR);
  return value == nullptr ? nullptr : &value->t();
}

int64_t int_attribute(const onnx::NodeProto& node, std::string_view name, int64_t otherwise) {
  const Attribute* attribute = find_attribute(node, name, Attribute::INT);
  return attribute == nullptr ? otherwise : attribute->i();
}

float float_attribute(const onnx::NodeProto& node, std::string_view name, float otherwise) {
  const Attribute* attribute = find_attribute(node, name, Attribute::FLOAT);
  return attribute == nullptr ? otherwise : attribute->f();
}

std::string string_attribute(const onnx::NodeProto& node, std::string_view name, std::string_view otherwise) {
  const Attribute* attribute = find_attribute(node, name, Attribute::STRING);
  return attribute == nullptr ? std::string(otherwise) : attribute->s();
}

std::vector<int64_t> ints_attribute(const onnx::NodeProto& node, std::string_view name) {
  const Attribute* attribute = find_attribute(node, name, Attribute::INTS);
  if (attribute == nullptr) return {};
  return {attribute->ints().begin(), attribute->ints().end()};
}

}  // namespace vetquant
