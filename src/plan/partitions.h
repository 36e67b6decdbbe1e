// Contiguous regions of what an accelerator takes, as ONNX Runtime forms them: waves of a topological walk, each of which takes
// all supported units that it reaches and stops at unsupported ones that read from it
// (onnxruntime/core/providers/partitioning_utils.cc, CreateSupportedPartitionNodeGroups).
#pragma once

#include <cstddef>
#include <vector>

namespace vetquant::plan {

struct UnitGraph {
  std::vector<std::vector<size_t>> readers;  // by unit; one entry for each value that crosses
  std::vector<size_t> inputs;                // how many entries of `readers` name the unit
  std::vector<char> taken;
};

struct UnitGroup {
  std::vector<size_t> units;   // in the order of the walk
  std::vector<size_t> border;  // units not taken at which it ended
};

std::vector<UnitGroup> unit_groups(const UnitGraph& graph);

}  // namespace vetquant::plan
