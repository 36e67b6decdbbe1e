#include "canonical.h"

#include "costs_text.h"
#include "map_text.h"
#include "use_reader.h"
#include "words.h"

namespace vetquant {
namespace {

std::string canonical(const Match& match) {
  MapText map;
  map.add_list("node", match.node);
  map.add_list("node_regex", match.node_regex);
  map.add_list("op", match.op);
  map.add_list("tensor", match.tensor);
  map.add_list("scope", match.scope);
  map.add_integer("min_elements", match.min_elements);
  map.add_integer("max_elements", match.max_elements);
  map.add_list("between", match.between);
  map.add_integer("input", match.input);
  return map.text();
}

std::string canonical(const PolicyGate& gate) {
  MapText map;
  map.add("test_set", yaml_text(gate.test_set));
  map.add("metric", yaml_text(gate.metric));
  map.add_number("max_increase", gate.max_increase);
  map.add_number("max_decrease", gate.max_decrease);
  map.add_number("min", gate.min);
  map.add_number("max", gate.max);
  map.add_number("keep", gate.keep);
  map.add_number("confidence", gate.confidence_pct);
  return map.text();
}

std::string canonical(const CalibrationSettings& calibration) {
  MapText map;
  if (!calibration.samples.empty()) map.add("samples", yaml_text(calibration.samples));
  if (!calibration.method.empty()) map.add("method", yaml_text(calibration.method));
  map.add_number("percentile", calibration.percentile);
  map.add_integer("max_memory", calibration.max_memory_bytes);
  return map.text();
}

std::string canonical(const SelfCheck& check) {
  MapText map;
  map.add_number("target_db", check.target_db);
  map.add_number("most_nodes", check.most_nodes);
  map.add_integer("samples", check.samples);
  if (check.activation_type) map.add("to", std::string(name_of(*check.activation_type)));
  return map.text();
}

std::vector<std::string> names(const std::vector<DType>& types) {
  std::vector<std::string> all;
  for (const DType type : types) all.emplace_back(name_of(type));
  return all;
}

std::string canonical(const FormSupport& form) {
  MapText map;
  map.add("form", std::string(name_of(form.form)));
  map.add("min_runtime", yaml_text(form.min_runtime));
  map.add_list("ops", form.ops);
  map.add_list("weights", names(form.weights));
  std::string blocks;
  for (const int64_t block : form.blocks) blocks += (blocks.empty() ? "" : ", ") + std::to_string(block);
  if (!blocks.empty()) map.add("blocks", "[" + blocks + "]");
  map.add("in_subgraphs", form.in_subgraphs ? "true" : "false");
  if (!form.slow_because.empty()) map.add("slow_because", yaml_text(form.slow_because));
  map.add("source", yaml_text(form.source));
  return map.text();
}

std::string canonical(const FormPreference& row) {
  MapText when;
  when.add_list("op", row.ops);
  when.add_list("weights", names(row.weights));
  std::vector<std::string> activations;
  for (const Activations kind : row.activations) activations.emplace_back(name_of(kind));
  when.add_list("activations", activations);
  when.add_integer("min_rows", row.min_rows);
  when.add_integer("max_rows", row.max_rows);
  when.add("rows_unknown", row.rows_unknown ? "true" : "false");
  if (row.in_subgraph) when.add("in_subgraph", *row.in_subgraph ? "true" : "false");
  if (row.language_model) when.add("language_model", *row.language_model ? "true" : "false");
  MapText map;
  map.add("when", when.text());
  if (row.competes) map.add("competes", "true");
  map.add("use", canonical(row.use));
  map.add("reason", yaml_text(row.reason));
  map.add("source", yaml_text(row.source));
  return map.text();
}

}  // namespace

std::string canonical_text(const Policy& policy) {
  std::string text = "version: " + std::to_string(policy.version) + "\n";
  if (policy.target) text += "target: " + yaml_text(*policy.target) + "\n";
  text += "defaults: " + canonical(policy.defaults) + "\n";
  if (!policy.rules.empty()) text += "rules:\n";
  for (const Rule& rule : policy.rules) {
    text += "  - {" + (rule.name.empty() ? std::string() : "name: " + yaml_text(rule.name) + ", ") +
            "match: " + canonical(rule.match) + ", use: " + canonical(rule.use) +
            (rule.inherited == Inherited::kYes ? ", optional: true" : "") + "}\n";
  }
  text += "tensors: {min_elements: " + std::to_string(policy.tensors.min_elements) +
          ", tied: " + std::string(words::kTied[static_cast<size_t>(policy.tensors.tied)]) +
          ", overridable: " + std::string(words::kOverridable[static_cast<size_t>(policy.tensors.overridable)]) + "}\n";
  text += "on_unsupported: " + std::string(words::kOnUnsupported[static_cast<size_t>(policy.on_unsupported)]) + "\n";
  text += "on_unmatched_rule: " + std::string(words::kOnUnmatchedRule[static_cast<size_t>(policy.on_unmatched_rule)]) +
          "\n";
  MapText off;
  for (size_t i = 0; i < kCleanUpSteps.size(); ++i) {
    if (!(policy.clean_up.*kCleanUpSteps[i])) off.add(words::kCleanUpKeys[i], "false");
  }
  if (off.text() != "{}") text += "clean_up: " + off.text() + "\n";
  const std::string calibration = canonical(policy.calibration);
  if (calibration != "{}") text += "calibration: " + calibration + "\n";
  if (policy.self_check) {
    const std::string check = canonical(*policy.self_check);
    text += "self_check: " + (check == "{}" ? "true" : check) + "\n";
  }
  MapText budget;
  budget.add_integer("file", policy.budget.file_bytes);
  budget.add_number("effective_bits", policy.budget.effective_bits);
  if (budget.text() != "{}") text += "budget: " + budget.text() + "\n";
  if (!policy.gates.empty()) text += "gates:\n";
  for (const PolicyGate& gate : policy.gates) text += "  - " + canonical(gate) + "\n";
  return text;
}

std::string canonical_text(const TargetProfile& target) {
  std::string text = "version: 1\nname: " + yaml_text(target.name) + "\ntitle: " + yaml_text(target.title) + "\n";
  if (!target.instruction_set.empty()) text += "instruction_set: " + yaml_text(target.instruction_set) + "\n";
  text += "runtime: {name: " + yaml_text(target.runtime) + ", version: " + yaml_text(target.runtime_version) + "}\n";
  text += "max_opset: " + std::to_string(target.max_opset) +
          "\nmax_ir_version: " + std::to_string(target.max_ir_version) + "\n";
  text += std::string("saturates_u8s8: ") + (target.saturates_u8s8 ? "true" : "false") + "\n";
  text += std::string("contrib_ops: ") + (target.contrib_ops ? "true" : "false") + "\n";
  text += "fp16: {compute_default: " + std::string(name_of(target.fp16_compute_default)) +
          (target.fp16_ops.empty() ? "" : ", ops: " + MapText::list(target.fp16_ops)) +
          ", source: \"of the profile\"}\n";
  text += "forms:\n";
  for (const FormSupport& form : target.forms) text += "  - " + canonical(form) + "\n";
  text += "preferences:\n";
  for (const FormPreference& row : target.preferences) text += "  - " + canonical(row) + "\n";
  return text + costs_text(target.costs);
}

}  // namespace vetquant
