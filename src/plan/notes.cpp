#include "notes.h"

#include <algorithm>
#include <map>

#include "open_shapes.h"
#include "vetquant/policy/operator_support.h"

namespace vetquant::plan {
namespace {

std::string count_of(size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

bool saturates(const PlannedTensor& tensor) {
  return tensor.form == Form::kDynamicInteger && bits_of(tensor.stored_type) == 8 &&
         tensor.spec.range != CodeRange::k7Bit;
}

size_t count_nodes(const Plan& plan, Form form) {
  return static_cast<size_t>(
      std::count_if(plan.nodes.begin(), plan.nodes.end(), [&](const PlannedNode& node) { return node.form == form; }));
}

}  // namespace

void add_notes(const GraphIndex& index, const TargetProfile& target, Plan& plan) {
  const TargetSupport support = support_of(target);
  if (support.status != ProfileStatus::kMeasured)
    plan.notes.push_back("the profile of target " + target.name + " is " + std::string(words_of(support.status)));
  if (support.accelerator != nullptr && support.accelerator->fixed_shapes) {
    const std::string open = shape_options(index, infer_types(index), support.accelerator->open_batch ? 1 : 0);
    if (!open.empty())
      plan.warnings.push_back(support.accelerator->name + " takes fixed shapes alone, all else runs on the CPU: add " +
                              open);
  }
  if (target.saturates_u8s8) {
    const size_t count = static_cast<size_t>(std::count_if(plan.tensors.begin(), plan.tensors.end(), saturates));
    if (count > 0) {
      plan.warnings.push_back(count_of(count, "weight has", "weights have") +
                              " full-range 8-bit codes in dynamic_integer; products on " + target.name +
                              " may saturate (sums of two beyond 16 bits): `range: 7bit` avoids it");
    }
  }
  if (const size_t count = count_nodes(plan, Form::kGatherBlock); count > 0) {
    plan.notes.push_back(count_of(count, "look-up uses", "look-ups use") +
                         " gather_block: an id that is out of range gives zeros there, where Gather raises an error");
  }
  std::map<std::string, size_t> costs;
  for (const PlannedNode& node : plan.nodes) {
    if (!node.cost.empty() && node.form == Form::kMatMulNBits) ++costs[node.cost];
  }
  for (const auto& [cost, count] : costs)
    plan.warnings.push_back(count_of(count, "product", "products") + " in matmul_nbits: " + cost);
  for (const PlannedNode& node : plan.nodes) {
    if (node.form != Form::kMatMulNBits || node.accuracy_level < 4 || node.tensors.empty()) continue;
    const QuantSpec& spec = plan.tensors[static_cast<size_t>(node.tensors[0])].spec;
    if (spec.zero_point == ZeroPointKind::kFloat && spec.symmetry == Symmetry::kAsymmetric) {
      plan.notes.push_back("with float zero points the runtime ignores accuracy_level 4 and computes in float (" +
                           index.node(node.node).address + " and others)");
      break;
    }
  }
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.proven_equal.empty()) continue;
    plan.notes.push_back(tensor.name + ": " + count_of(tensor.proven_equal.size(), "equal copy", "equal copies") +
                         " of it stored once; every value is compared while quantizing");
  }
}

}  // namespace vetquant::plan
