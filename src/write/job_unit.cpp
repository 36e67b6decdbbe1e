#include "job_unit.h"

namespace vetquant {

std::unique_ptr<Unit> make_job_unit(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                    const UnitOptions& options) {
  const Shape& shape = job.source.shape();
  constexpr int64_t kLargestSlab = 4 << 20;  // values; a longer group is streamed
  const bool whole_groups = !shape.empty() && (has(job.layout.channel_axes, 0) || job.layout.block_axis == 0);
  const bool blocked = job.layout.block_axis >= 0;
  if (whole_groups && (blocked || !algorithm.separable() || product(shape, 1) <= kLargestSlab)) {
    return make_slab_job(job, algorithm, extents, options);
  }
  return make_fit_job(job, algorithm, extents, options);
}

}  // namespace vetquant
