// load -> plan -> emit -> write as one call. `plan` and `quantize` share prepare(), so that the predicted size is the
// written one to the byte.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/emit/emitted.h"
#include "vetquant/model/graph_index.h"
#include "vetquant/plan/plan.h"
#include "vetquant/policy/policy.h"
#include "vetquant/policy/target.h"
#include "vetquant/quant/activation_statistics.h"
#include "vetquant/write/write.h"

namespace vetquant {

inline constexpr const char* kVersion = VETQUANT_VERSION;
inline constexpr const char* kDefaultPolicy = "int8";
inline constexpr const char* kDefaultTarget = "ort-cpu";

struct Source;
struct SelfCheckSubject;

// What self-check came to (pipeline/self_check.h).
struct SelfChecked {
  PutBackNodes put_back;
  std::vector<std::string> steps;  // what it did, a line each
};

struct Request {
  std::filesystem::path model;
  std::string policy = kDefaultPolicy;  // a preset's name or a file
  std::optional<std::string> target;    // else the policy's, else kDefaultTarget
  std::vector<ShapeBinding> shapes;
  std::filesystem::path profile_on;   // a test set whose samples tell the shapes that `shapes` leaves open; empty: none
  std::filesystem::path calibration;  // a statistics file, for static activations; empty: none
  // Where `calibration` names samples instead: runs them (obtain_statistics of pipeline/calibration.h).
  std::function<quant::ActivationStatistics(const Source&, const Policy&)> calibrate;
  // Where the policy asks for it and `calibration` names samples: find_nodes_to_put_back of pipeline/self_check.h.
  std::function<SelfChecked(const SelfCheckSubject&)> self_check;
  // Of a lock file: these instead of `calibration` and `self_check`.
  std::shared_ptr<const quant::ActivationStatistics> statistics;
  std::optional<SelfChecked> self_checked;
  Sidecar sidecar = Sidecar::kAuto;
  // Of the quantization to come: the source's digest, which reads every byte, then begins beside the planning. 0: all cores.
  std::optional<int> threads;
  std::filesystem::path output;  // of a plan, the name to be; empty: "<stem>.vetquant.onnx" beside the model stands in
};

class BackgroundDigest;

// A loaded model, from which any number of plans can be made.
struct Source {
  std::shared_ptr<const Model> model;
  std::shared_ptr<const GraphIndex> index;
  std::shared_ptr<BackgroundDigest> digest = nullptr;  // where it was begun
};
Source load_source(const std::filesystem::path& model);

// All that is known before a weight is read.
struct Prepared {
  Request request;  // with all shapes
  std::shared_ptr<const Model> model;
  std::shared_ptr<const GraphIndex> index;
  std::shared_ptr<BackgroundDigest> digest;  // where it was begun
  std::unique_ptr<ConstantFinder> constants;
  Policy policy;
  TargetProfile target;
  std::shared_ptr<const quant::ActivationStatistics> statistics;  // of static activations
  SelfChecked self_checked;
  Plan plan;
  Emitted emitted;
  LayoutSizes sizes;
  std::string
      source_digest;  // empty: not taken yet, since that reads every byte; a stand-in of equal length is in `emitted`
};

// Errors: of each step (see their headers). A plan that changes nothing is not an error here.
Prepared prepare(const Request& request);
Prepared prepare(const Request& request, const Source& source);  // of request.model

// Error{kUsage} with the most frequent reason where the plan changes nothing; Error{kBudget} where the policy's budget is
// exceeded.
void check_worth_doing(const Prepared& prepared);

// Errors of check_worth_doing; Error{kUsage} where the output is an input. Errors of write_model. Takes the source's digest
// beside the work.
WriteResult quantize(const Prepared& prepared, const AlgorithmSet& algorithms, const WriteOptions& options);

}  // namespace vetquant
