// What the user wishes, as written in a policy file (docs/policy.md; schema: models/policies/policy.schema.json).
//
// parse_policy reads the file and every file or preset it extends; the result is flat: own rules first, then inherited
// ones, then defaults. Unknown keys and words are Error{kUsage} "file:line:column: unknown key 'wieghts'; did you mean
// 'weights'?". A key that is absent stays absent (std::optional), so that rules layer: rule, then defaults.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/core/dtype.h"
#include "vetquant/policy/document.h"
#include "vetquant/quant/spec.h"

namespace vetquant {

enum class Activations { kNone, kDynamic, kStatic, kAuto };  // kAuto: as the target profile finds best
enum class Granularity { kTensor, kChannel, kBlock };

// `form:` names. kAuto lets the target profile choose.
enum class FormChoice {
  kAuto,
  kDequantize,
  kFoldAtLoad,
  kDynamicInteger,
  kMatMulNBits,
  kGatherBlock,
  kGatherRows,
  kDynamicLstm,
  kQdq,
  kQOperator
};

struct Use {
  bool keep = false;             // `use: keep`
  std::optional<DType> weights;  // fp32 fp16 bf16 int8 uint8 int4 uint4; fp32 is keep
  std::optional<Activations> activations;
  std::optional<DType> activation_type;      // uint8 int8 uint16 int16: codes of static activations
  std::optional<bool> activation_symmetric;  // static activations without zero points
  std::optional<Granularity> granularity;
  std::optional<int64_t> block;  // implies granularity block
  std::optional<int64_t> axis;   // channel axis of the weight as the node sees it
  std::optional<bool> symmetric;
  std::optional<std::string> range;       // full narrow 7bit
  std::optional<std::string> zero_point;  // integer float
  std::optional<std::string> algorithm;
  std::optional<FormChoice> form;
  std::optional<int> accuracy_level;  // 0..4, MatMulNBits
  std::optional<ScaleType> scales;    // fp32 fp16 log8: how scales are stored
  std::optional<DType> compute;       // fp32 fp16: for weights fp16 / bf16
  std::vector<std::string> helpers;
};

// layered(rule.use, defaults): the rule's keys where it sets them, else the fallback's. Granularity and block are one wish.
Use layered(const Use& first, const Use& fallback);

struct Match {
  std::vector<std::string> node;        // globs over node addresses; any of them
  std::vector<std::string> node_regex;  // PCRE2, whole address
  std::vector<std::string> op;          // "MatMul", "com.microsoft:FusedMatMul"; globs
  std::vector<std::string> tensor;      // globs over weight addresses
  std::vector<std::string> scope;       // globs over the scope path; absent: every scope
  std::optional<int64_t> min_elements, max_elements;
  std::vector<std::string> between;  // [from, to]: nodes on a path between two values of one scope
  std::optional<int64_t> input;      // the weight's input number at the node
};

enum class Inherited { kNo, kYes };

struct Rule {
  std::string name;  // "" is shown as "rule 3"
  Match match;
  Use use;
  SourcePosition position;
  Inherited inherited = Inherited::kNo;  // inherited rules, and those marked `optional: true`, may match nothing
};

enum class OnUnsupported { kError, kNextRule, kKeep };
enum class OnUnmatchedRule { kError, kWarn, kIgnore };
enum class Tied { kTogether, kApart };
enum class Overridable {
  kQuantize,
  kKeep
};  // initializers that are graph inputs, too: quantized ones are inputs no longer

struct TensorSettings {
  int64_t min_elements = 1024;  // smaller weights stay float
  Tied tied = Tied::kTogether;
  Overridable overridable = Overridable::kQuantize;
};

// Steps beside quantizing that leave results equal to the bit (docs/policy.md, "Clean-ups").
struct CleanUp {
  bool reshape_targets = true;  // constants in place of shapes that are computed at every call
  bool identities = true;       // Identity nodes go
  bool constants = true;        // Constant nodes become initializers
};
inline constexpr std::array kCleanUpSteps = {&CleanUp::reshape_targets, &CleanUp::identities, &CleanUp::constants};

struct CalibrationSettings {
  std::string samples, method;
  std::optional<double> percentile;
  std::optional<uint64_t> max_memory_bytes;
};

// Nodes with static activations that break the model are put back (docs/static.md, "Self-check").
struct SelfCheck {
  std::optional<double> target_db;       // SQNR that every output is to reach
  std::optional<double> most_nodes;      // that may be put back: a share of the nodes that compute between codes
  std::optional<int64_t> samples;        // of the calibration's that are run
  std::optional<DType> activation_type;  // what nodes are put back to: kFloat32, or 16-bit codes
};
inline constexpr double kSelfCheckTargetDb = 20, kSelfCheckMostNodes = 0.2;
inline constexpr int64_t kSelfCheckSamples = 4;

struct Budget {
  std::optional<uint64_t> file_bytes;
  std::optional<double> effective_bits;  // per weight element
};

struct PolicyGate {  // kept as written; eval/gate.h gives it meaning
  std::string test_set, metric;
  std::optional<double> max_increase, max_decrease, min, max, keep;
  double confidence_pct = 95;
  SourcePosition position;
};

struct Policy {
  int version = 1;
  std::string name;                   // file stem or preset name
  std::optional<std::string> target;  // a shipped target's name, or a path (relative ones: to the policy file)
  Use defaults;
  SourcePosition defaults_position;
  std::vector<Rule> rules;  // first match wins
  TensorSettings tensors;
  CleanUp clean_up;
  OnUnsupported on_unsupported = OnUnsupported::kError;
  OnUnmatchedRule on_unmatched_rule = OnUnmatchedRule::kError;
  CalibrationSettings calibration;
  std::optional<SelfCheck> self_check;  // absent: none
  Budget budget;
  std::vector<PolicyGate> gates;
  // Self-contained, in one fixed spelling: equal texts mean equal policies, whatever the comments, the order of keys and the
  // files they came from. parse_policy reads it back (inherited rules as `optional: true`).
  std::string text;
  std::string digest;  // XXH3-128 of `text`
};

// `name_or_path`: a preset's name, or a file. Presets are compiled in (and installed as files).
Policy load_policy(const std::string& name_or_path);
Policy parse_policy(const std::string& text, const std::string& file_name);
const std::string& policy_schema();  // JSON Schema of policy files

struct Preset {
  std::string name, summary, text;
};
const std::vector<Preset>& presets();

// Does the rule's match apply? `between` is resolved by the planner (needs the graph) and ignored here.
struct MatchSubject {
  std::string_view node_address, scope_path, domain, op, tensor_address;
  int64_t elements = 0;
  int64_t input = -1;
};
class Matcher {  // compiled once per rule
 public:
  explicit Matcher(const Rule& rule);  // Error{kUsage} at the rule's position for a bad regular expression
  ~Matcher();
  Matcher(Matcher&&) noexcept;
  bool matches(const MatchSubject& subject) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string to_string(const Use& use);  // "int4 block 32 mse matmul_nbits", for tables

}  // namespace vetquant
