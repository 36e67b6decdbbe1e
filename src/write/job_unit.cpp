#include "job_unit.h"

namespace vetquant {

std::unique_ptr<Unit> make_job_unit(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                    const UnitOptions& options) {
  const Shape& shape = job.source.shape();
  constexpr int64_t kLargestSlab = 4 << 20;  // values; a longer group is streamed
  const bool whole_groups = !shape.empty() && (has(job.layout.channel_axes, 0) || job.layout.block_axis == 0);
  const bool blocked = job.layout.block_axis >= 0;
  const bool rows_of_blocks =
      shape.size() == 2 && job.layout.channel_axes == std::vector<int>{0} && job.layout.block_axis == 1;
  // 4-bit codes of blocks and rows begin at whole bytes, or the slab way packs them as one run.
  const bool whole_bytes =
      bits_of(job.spec.code_type) == 8 || (rows_of_blocks && job.layout.block_size % 2 == 0 &&
                                           (shape.back() % 2 == 0 || job.pad_last_axis_to > shape.back()));
  if (rows_of_blocks && whole_bytes) return make_strip_job(job, algorithm, extents, options);
  if (whole_groups && (blocked || !algorithm.separable() || product(shape, 1) <= kLargestSlab)) {
    return make_slab_job(job, algorithm, extents, options);
  }
  return make_fit_job(job, algorithm, extents, options);
}

}  // namespace vetquant
