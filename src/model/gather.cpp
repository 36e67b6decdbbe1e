#include "gather.h"

namespace vetquant {

namespace {

constexpr int64_t kGapBytes = 2 * 1024;     // reading this much more costs less than another read
constexpr int64_t kDirectBytes = 4 * 1024;  // runs of this length need no coalescing

// Dims of one element go, negative strides are turned round, the rest is ordered as it lies in the store and merged.
void normalise(std::vector<GatherDim>& dims, GatherPlan& plan) {
  std::erase_if(dims, [](const GatherDim& dim) { return dim.count == 1; });
  for (GatherDim& dim : dims) {
    if (dim.source >= 0) continue;
    plan.source += (dim.count - 1) * dim.source;
    plan.target += (dim.count - 1) * dim.target;
    dim.source = -dim.source;
    dim.target = -dim.target;
  }
  std::stable_sort(dims.begin(), dims.end(),
                   [](const GatherDim& a, const GatherDim& b) { return a.source > b.source; });
  std::vector<GatherDim> merged;
  for (const GatherDim& dim : dims) {
    if (!merged.empty() && merged.back().source == dim.source * dim.count &&
        merged.back().target == dim.target * dim.count) {
      merged.back() = {merged.back().count * dim.count, dim.source, dim.target};
    } else {
      merged.push_back(dim);
    }
  }
  dims = std::move(merged);
}

void add_plans(std::vector<GatherDim> dims, GatherPlan plan, int64_t element_bytes, std::vector<GatherPlan>& plans) {
  normalise(dims, plan);
  if (!dims.empty() && dims.back().source == 1 && dims.back().target == 1 &&
      (dims.size() == 1 || dims.back().count * element_bytes >= kDirectBytes)) {
    plan.direct = true;
    plan.span = dims.back().count;
    dims.pop_back();
    plan.outer = std::move(dims);
    plans.push_back(std::move(plan));
    return;
  }
  const int64_t block = std::max<int64_t>(kGatherBufferBytes / element_bytes, 1);
  while (!dims.empty()) {
    const GatherDim dim = dims.back();
    if ((dim.source - plan.span) * element_bytes > kGapBytes) break;
    const int64_t fit = dim.source == 0 ? dim.count : (block - plan.span) / dim.source + 1;
    if (fit < 2) break;
    dims.pop_back();
    const int64_t part = std::min(fit, dim.count);
    const int64_t whole = dim.count / part;
    if (const int64_t rest = dim.count % part; rest > 0) {
      GatherPlan tail;
      tail.source = plan.source + whole * part * dim.source;
      tail.target = plan.target + whole * part * dim.target;
      std::vector<GatherDim> tail_dims = dims;
      tail_dims.push_back({rest, dim.source, dim.target});
      tail_dims.insert(tail_dims.end(), plan.inner.begin(), plan.inner.end());
      add_plans(std::move(tail_dims), std::move(tail), element_bytes, plans);
    }
    plan.span += (part - 1) * dim.source;
    plan.inner.insert(plan.inner.begin(), {part, dim.source, dim.target});
    if (part == dim.count) continue;
    if (whole > 1) dims.push_back({whole, dim.source * part, dim.target * part});
    break;
  }
  plan.outer = std::move(dims);
  plans.push_back(std::move(plan));
}

}  // namespace

std::vector<GatherPlan> plan_gather(std::vector<GatherDim> dims, int64_t source, int64_t element_bytes) {
  std::vector<GatherPlan> plans;
  GatherPlan plan;
  plan.source = source;
  add_plans(std::move(dims), std::move(plan), element_bytes, plans);
  return plans;
}

}  // namespace vetquant
