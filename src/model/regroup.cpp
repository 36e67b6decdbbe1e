#include "regroup.h"

#include <algorithm>

namespace vetquant {

namespace {

struct Run {  // dims that step as one: count elements, one every `stride`
  int64_t count = 1, stride = 0;
};

// Merges a strided box into as few runs as possible (outer first).
std::vector<Run> merged_runs(const Piece& piece, const DimGroup& group) {
  std::vector<Run> runs;
  for (size_t d = group.old_begin; d < group.old_end; ++d) {
    const Run run{piece.extent[d], piece.stride[d]};
    if (run.count == 1) continue;
    if (!runs.empty() && runs.back().stride == run.stride * run.count) {
      runs.back().stride = run.stride;
      runs.back().count *= run.count;
    } else {
      runs.push_back(run);
    }
  }
  return runs;
}

// Splits the runs over dims of the given extents; false where a dim would straddle two runs.
bool split_runs(std::vector<Run> runs, const Shape& extents, Shape& strides) {
  strides.assign(extents.size(), 0);
  for (size_t d = extents.size(); d-- > 0;) {
    if (extents[d] == 1) continue;
    if (runs.empty() || runs.back().count % extents[d] != 0) return false;
    strides[d] = runs.back().stride;
    runs.back().stride *= extents[d];
    runs.back().count /= extents[d];
    if (runs.back().count == 1) runs.pop_back();
  }
  return runs.empty();
}

int64_t product(const Shape& shape, size_t begin, size_t end) {
  int64_t result = 1;
  for (size_t d = begin; d < end; ++d) result *= shape[d];
  return result;
}

// The box of the piece within one group of old dims, as a box of the new dims: contiguous in row-major order of the
// group, that is full in all dims but the first one that is not 1 in extent.
bool reshape_group(const Piece& piece, const Shape& old_shape, const Shape& new_shape, const DimGroup& group,
                   Piece& out) {
  size_t lead = group.old_begin;
  int64_t begin = 0;  // row-major index in the group of the piece's first element
  for (size_t d = group.old_begin; d < group.old_end; ++d) begin = begin * old_shape[d] + piece.start[d];
  while (lead < group.old_end && piece.extent[lead] == 1) ++lead;
  for (size_t d = lead + 1; d < group.old_end; ++d) {
    if (piece.extent[d] != old_shape[d]) return false;
  }
  int64_t count = product(piece.extent, group.old_begin, group.old_end);
  Shape start, extent;
  for (size_t d = group.new_begin; d < group.new_end; ++d) {
    const int64_t inner = product(new_shape, d + 1, group.new_end);
    start.push_back(begin / inner);
    if (count >= inner) {
      if (count % inner != 0 || begin % inner != 0) return false;
      extent.push_back(count / inner);
      if (start.back() + extent.back() > new_shape[d]) return false;
      for (size_t rest = d + 1; rest < group.new_end; ++rest) {
        start.push_back(0);
        extent.push_back(new_shape[rest]);
      }
      break;
    }
    extent.push_back(1);
    begin %= inner;
  }
  Shape strides;
  if (!split_runs(merged_runs(piece, group), extent, strides)) return false;
  out.start.insert(out.start.end(), start.begin(), start.end());
  out.extent.insert(out.extent.end(), extent.begin(), extent.end());
  out.stride.insert(out.stride.end(), strides.begin(), strides.end());
  return true;
}

}  // namespace

std::vector<DimGroup> regroup(const Shape& old_shape, const Shape& new_shape) {
  std::vector<DimGroup> groups;
  size_t i = 0, j = 0;
  while (i < old_shape.size() || j < new_shape.size()) {
    DimGroup group{i, i, j, j};
    int64_t old_product = 1, new_product = 1;
    if (i < old_shape.size()) old_product = old_shape[i++];
    if (j < new_shape.size()) new_product = new_shape[j++];
    while (old_product != new_product) {
      if (old_product < new_product) {
        old_product *= old_shape[i++];
      } else {
        new_product *= new_shape[j++];
      }
    }
    group.old_end = i;
    group.new_end = j;
    groups.push_back(group);
  }
  return groups;
}

std::optional<Piece> reshape_piece(const Piece& piece, const Shape& old_shape, const Shape& new_shape,
                                   const std::vector<DimGroup>& groups) {
  Piece out;
  out.stored = piece.stored;
  out.offset = piece.offset;
  for (const auto& group : groups) {
    if (!reshape_group(piece, old_shape, new_shape, group, out)) return std::nullopt;
  }
  return out;
}

}  // namespace vetquant
