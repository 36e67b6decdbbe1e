// Operator counts of the file as written and of what the runtime made of it.
#include <onnx/onnx_pb.h>

#include <fstream>

#include "vetquant/core/error.h"
#include "vetquant/model/model.h"
#include "vetquant/runtime/session.h"

namespace vetquant {
namespace {

using Counts = std::map<std::string, uint64_t>;

template <class Nodes>
void count_nodes(const Nodes& nodes, Counts& counts) {
  for (const auto& node : nodes) {
    const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
    ++counts[standard ? node.op_type() : node.domain() + ":" + node.op_type()];
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) count_nodes(attribute.g().node(), counts);
      for (const auto& graph : attribute.graphs()) count_nodes(graph.node(), counts);
    }
  }
}

}  // namespace

Counts count_operators(const std::filesystem::path& model) {
  const auto loaded = Model::load(model);
  Counts counts;
  count_nodes(loaded->skeleton().graph().node(), counts);
  for (const auto& function : loaded->skeleton().functions()) count_nodes(function.node(), counts);
  return counts;
}

Counts optimized_operators(const std::shared_ptr<const RuntimeLibrary>& library, const std::filesystem::path& model,
                           SessionOptions options, const std::filesystem::path& folder) {
  options.optimized_model = folder / "optimized.onnx";
  // Weights beside the graph: a model of more than 2 GB could not be saved otherwise.
  options.config.emplace_back("session.optimized_model_external_initializers_file_name", "optimized.bin");
  options.config.emplace_back("session.optimized_model_external_initializers_min_size_in_bytes", "1024");
  { const Session session(library, model, options); }
  Counts counts = count_operators(options.optimized_model);
  std::filesystem::remove(options.optimized_model);
  std::filesystem::remove(folder / "optimized.bin");
  return counts;
}

}  // namespace vetquant
