// The plan for readers: one line for each decision in a stable order (so that two plans can be diffed), JSON, and the
// answer to "why this tensor?".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "vetquant/plan/plan.h"

namespace vetquant {

struct PlanTotals {
  uint64_t tensors = 0, nodes = 0, kept = 0;
  uint64_t elements = 0;      // of the planned tensors, each once
  uint64_t bytes_before = 0;  // of what they are made of, each stored tensor once, copies included
  uint64_t bytes_after = 0;
  uint64_t kept_bytes = 0;  // of weights that stay float, each once
};
PlanTotals totals(const Plan& plan);

// "int4 block 32 sym mse", "int8 channel 0 sym", "fp16"
std::string type_text(const PlannedTensor& tensor);

// "embed.weight  [51865, 384]  int8 block 128 sym  matmul_nbits  79.7 MB -> 20.2 MB  rule 'heads' (p.yaml:9:5)  <reason>"
std::vector<std::string> plan_lines(const Plan& plan, const GraphIndex& index);

// {"schema": "vetquant.plan/1", "policy": {...}, "target": {...}, "totals": {...}, "tensors": [...], "nodes": [...],
//  "kept": [...], "notes": [...], "warnings": [...]}
nlohmann::json plan_to_json(const Plan& plan, const GraphIndex& index);

// Everything the plan knows about a weight or a node, by address; a few lines. Error{kUsage} where the model has no such
// address, with the nearest one.
std::string explain(const Plan& plan, const GraphIndex& index, std::string_view address);

}  // namespace vetquant
