// A site: one place where a node reads a float constant. Everything the planner decides, it decides about sites; sites
// that read the same stored values share a *content*, and what is stored once for all of them is a PlannedTensor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vetquant/plan/plan.h"

namespace vetquant::plan {

// What the input is to its node; decides whether it may be quantized at all.
enum class InputRole {
  kWeight,         // multiplied: MatMul, Gemm, Conv, LSTM ...
  kTable,          // rows are looked up: Gather
  kElementwise,    // added to or multiplied with activations: position tables, slopes
  kGeneric,        // float input of an operator that we know nothing particular about
  kBias,           // added to a product
  kNorm,           // scale or shift of a normalisation
  kState,          // initial state of a recurrent node or loop
  kParameter,      // a setting rather than a weight: Resize scales, Clip bounds, a mask
  kQuantized,      // input of a node that is already quantized
  kUnknownDomain,  // of an operator that nobody told us about
};

// What the node does with the constant; decides which forms can serve it and which axis is which.
enum class SiteKind {
  kMatMulB,         // x @ B, B [K, N]
  kMatMulBatchedB,  // x @ B, B [..., K, N]
  kMatMulA,         // A @ x
  kGemmB,           // B of Gemm
  kGemmA,
  kTable,   // Gather along axis 0 of [V, W]
  kGather,  // any other Gather
  kConv,
  kConvTranspose,
  kLstmWeight,       // W or R of LSTM
  kRecurrentWeight,  // W or R of GRU, RNN
  kOther,
};

struct Site {
  NodeId node;
  int input = -1;
  ValueId value;
  TensorView view;                   // as the node sees it
  std::string name;                  // address of the stored tensor, or of the value that a chain ends in
  std::vector<std::string> aliases;  // further addresses by which a rule may name it: stored parts, the value read
  uint64_t elements = 0;
  InputRole role = InputRole::kGeneric;
  SiteKind kind = SiteKind::kOther;
  int content = -1;
  bool swapped = false;  // the view is the content's, with its last two axes swapped
};

// The same values in the same layout, up to a swap of the last two axes.
struct Content {
  TensorView view;  // of the first site
  std::vector<int> sites;
  std::string stays_float;    // not empty: something that we do not rewrite needs the float values, namely this
  int tied_to = -1;           // the content whose copy this is (sampled equal), or -1
  bool tied_swapped = false;  // this view is the other's with the last two axes swapped
};

// How codes are to be stored, relative to what the node sees.
struct Placement {
  bool swap = false;   // the last two axes swapped
  ScaleLayout layout;  // in the stored orientation
};

// What is to happen at a site.
struct Choice {
  Form form = Form::kKeep;  // kKeep: stays float
  Use use;                  // rule, defaults and target preference, layered
  QuantSpec spec;
  DType stored_type = DType::kUndefined;
  Placement placement;
  int accuracy_level = 0;
  size_t rule = 0;          // index into policy.rules; rules.size(): defaults
  bool form_named = false;  // by the policy, not chosen by the target
  Reason reason;
  std::string cost;
};

inline bool is_half(Form form) { return form == Form::kHalfStorage || form == Form::kHalfCompute; }
// Forms that only replace an input of the node; every other one rewrites the node.
inline bool is_storage_only(Form form) {
  return form == Form::kDequantize || form == Form::kFoldAtLoad || form == Form::kHalfStorage;
}

TensorView last_two_swapped(const TensorView& view);  // rank >= 2

}  // namespace vetquant::plan
