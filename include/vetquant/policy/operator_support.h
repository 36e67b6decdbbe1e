// What an accelerator takes, operator by operator: the part of a target profile (docs/targets.md, "Accelerators") that
// `vetquant check` reads and that plans for static activations obey. Each row carries its source.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/core/dtype.h"
#include "vetquant/policy/document.h"
#include "vetquant/policy/policy.h"
#include "vetquant/policy/target.h"

namespace vetquant {

// How far a profile can be trusted.
enum class ProfileStatus {
  kMeasured,  // ran there
  kCompiled,  // judged by the vendor's compiler or simulator, not run on a device
  kUntested,  // from documents
};
std::string_view name_of(ProfileStatus status);   // "untested"
std::string_view words_of(ProfileStatus status);  // "from documents, untested"; "" for kMeasured

// Which weights need zero points of 0 (128 of uint8 codes).
enum class SymmetricWeights { kNever, kChannels, kAlways };  // kChannels: those with several scales

// The weights of a product: constants at input 1 of Conv, ConvTranspose, MatMul and Gemm, in codes.
struct WeightSupport {
  std::vector<DType> types;
  std::vector<Granularity> granularity;  // empty: any
  SymmetricWeights symmetric = SymmetricWeights::kNever;
};

struct FixedScale {  // of an output's codes of one type
  double scale = 0;
  int64_t zero_point = 0;
};

// One row: conditions under which the accelerator takes an operator. An operator may have several rows; one that fits is
// enough. A condition that is absent holds.
struct OperatorSupport {
  std::vector<std::string> ops;                 // "Conv", "com.microsoft:Gelu"; globs
  std::optional<int64_t> min_opset, max_opset;  // of the operator's domain, as the model imports it
  std::vector<DType> types;                     // of the data input where it is computed without codes; empty: never so
  std::vector<DType> codes;                     // of activations where the node stands between codes; empty: never so
  bool symmetric_codes = false;                 // zero points of activations have to be 0
  std::optional<WeightSupport> weights;
  int64_t data_input = 0;                             // which input is the data: 1 for Where
  std::map<int64_t, std::vector<DType>> input_types;  // of further inputs
  std::vector<DType> output_types;
  std::optional<int64_t> min_rank, max_rank;                   // of the data input
  std::vector<int64_t> constant_inputs;                        // these have to be constants, where present
  std::map<std::string, std::vector<std::string>> attributes;  // allowed values of attributes that are present
  std::map<DType, FixedScale> output_scale;  // codes of the output must have this scale and zero point
  std::vector<std::string> after;            // taken only right behind one of these, as a part of it
  std::optional<bool> fixed_shapes;          // other than the accelerator's
  bool float_result = false;   // a unit on codes may give floats (or indices): no QuantizeLinear behind it
  bool shared_scales = false;  // inputs and outputs have to share scale and zero point
  std::string advice;          // what to do instead
  std::string source;
  SourcePosition position;
};

// What does not run on the runtime's CPU kernels, and on which terms.
struct Accelerator {
  std::string name;           // "Hexagon"
  bool cpu_fallback = true;   // what it does not take runs on the runtime's CPU kernels; false: the model is refused
  bool open_batch = false;    // where shapes have to be fixed, axis 0 need not
  bool fixed_shapes = false;  // each dimension of each value it touches has to be a number
  bool subgraphs = false;     // takes nodes inside If, Loop and Scan
  bool border_pairs_on_cpu = false;  // QuantizeLinear of a model's input and DequantizeLinear of its output
  std::optional<int64_t> max_rank, max_dim;
  std::string source;
  std::vector<OperatorSupport> operators;
};

struct TargetSupport {
  ProfileStatus status = ProfileStatus::kMeasured;
  std::shared_ptr<const Accelerator> accelerator;  // null: the runtime's CPU kernels
};

// Of a parsed profile. It stands in the profile's text; few ask for it, so TargetProfile, which nearly all rooms include, does not
// hold it. Found by the profile's digest, with the positions of the file it was read from; thread-safe.
TargetSupport support_of(const TargetProfile& target);

}  // namespace vetquant
