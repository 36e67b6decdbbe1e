// What a deployment runtime can run and what it finds fast: a target profile (docs/targets.md; models/targets/*.yaml).
// Never mixed with the policy. Shipped profiles are compiled in; a path loads another one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/policy/cost_table.h"
#include "vetquant/policy/policy.h"

namespace vetquant {

// One output form as this runtime takes it.
struct FormSupport {
  FormChoice form = FormChoice::kDequantize;
  std::string min_runtime;       // "1.20"
  std::vector<std::string> ops;  // operators it serves
  std::vector<DType> weights;    // code types
  std::vector<int64_t> blocks;   // allowed block sizes; empty: any
  bool in_subgraphs = true;
  std::string slow_because;  // "" or why it is slow: shown by plan
  std::string source;        // where the line comes from
};

// `form: auto`: the first row whose conditions hold and whose form fits the node; where it competes and `costs` know its time,
// the fastest of the competing rows that follow it and hold, too.
struct FormPreference {
  std::vector<std::string> ops;               // globs; "*" any
  std::vector<DType> weights;                 // empty: any
  std::vector<Activations> activations;       // empty: any. What the policy wished.
  std::optional<int64_t> min_rows, max_rows;  // rows that the node sees; unknown rows take the row with rows_unknown
  bool rows_unknown = true;                   // does the row apply where the number of rows is unknown?
  std::optional<bool> in_subgraph;
  std::optional<bool> language_model;  // does the model live on tokens alone?
  bool competes = false;
  Use use;             // what it fills in: form, block, accuracy_level, scales, ... or keep
  std::string reason;  // shown by plan
  std::string source;  // where the measurement stands
  SourcePosition position;
};

struct TargetProfile {
  std::string name, title, instruction_set;  // "avx512_vnni", "avx2", "neon"
  std::string runtime, runtime_version;      // "onnxruntime", "1.32"
  int64_t max_opset = 0, max_ir_version = 0;
  bool saturates_u8s8 = false;                   // VPMADDUBSW without VNNI
  bool contrib_ops = false;                      // com.microsoft operators available
  DType fp16_compute_default = DType::kFloat32;  // `compute` where the policy is silent
  std::vector<std::string> fp16_ops;             // operators that the runtime takes in fp16 ("Conv", "com.microsoft:X")
  std::vector<FormSupport> forms;
  std::vector<FormPreference> preferences;
  CostTable costs;     // empty: nobody measured
  std::string text;    // self-contained, in one fixed spelling; parse_target reads it back
  std::string digest;  // XXH3-128 of `text`

  const FormSupport* find(FormChoice form) const;
};

TargetProfile load_target(const std::string& name_or_path);  // aliases resolved (ort-cpu)
TargetProfile parse_target(const std::string& text, const std::string& file_name);
struct ShippedTarget {
  std::string name, title, text;
  std::vector<std::string> aliases;
};
const std::vector<ShippedTarget>& shipped_targets();

std::string_view name_of(FormChoice form);  // "matmul_nbits"
std::string_view name_of(Activations activations);

}  // namespace vetquant
