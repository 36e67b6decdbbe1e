// A job whose first axis selects groups: slab by slab, each read once.
#include "job_unit.h"

namespace vetquant {
namespace {

class SlabJob : public JobUnit {
 public:
  SlabJob(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents, const UnitOptions& options)
      : JobUnit(job, algorithm, extents, options) {
    row_ = product(shape_, 1);
    const int64_t unit = unit_rows(job);
    rows_ = std::max<int64_t>(unit, static_cast<int64_t>(tile_elements()) / std::max<int64_t>(1, row_) / unit * unit);
    distortion_.resize(run_tasks());
  }

  // The least number of first-axis indices that hold whole groups, and begin at a whole byte of every extent.
  static int64_t unit_rows(const QuantJob& job) { return 2 * (job.layout.block_axis == 0 ? job.layout.block_size : 1); }

  uint64_t run_tasks() const override { return static_cast<uint64_t>((shape_[0] + rows_ - 1) / rows_); }

  void run(uint64_t task) override {
    const int64_t first = static_cast<int64_t>(task) * rows_;
    Box box{Shape(shape_.size(), 0), shape_};
    box.start[0] = first;
    box.extent[0] = std::min(rows_, shape_[0] - first);
    const Borrowed<float> values = read(box);
    const int64_t groups = product(scale_shape(box.extent, job_.layout));
    Parameters parameters(static_cast<size_t>(groups));
    Borrowed<uint8_t> codes(scratch(), values.size());
    named([&] { quantize_box(task, box, values.span(), parameters, codes.span()); });
    const uint64_t blocks = job_.layout.block_axis > 0 ? blocks_along(shape_[axis()]) : 1;
    const uint64_t groups_per_row = static_cast<uint64_t>(groups) / parameters_rows(box.extent[0]);
    write_parameters(parameters_rows(first) * groups_per_row, parameters, blocks);
    if (job_.pad_last_axis_to > shape_.back()) {
      pad(codes.span(), parameters, static_cast<uint64_t>(first));
    } else {
      write_codes(static_cast<uint64_t>(first * row_), codes.span());
    }
  }

 private:
  size_t axis() const { return static_cast<size_t>(job_.layout.block_axis); }
  uint64_t blocks_along(int64_t extent) const {
    return static_cast<uint64_t>((extent + job_.layout.block_size - 1) / job_.layout.block_size);
  }
  // Rows of the scale tensor that belong to `rows` of the source.
  uint64_t parameters_rows(int64_t rows) const {
    return job_.layout.block_axis == 0 ? blocks_along(rows) : static_cast<uint64_t>(rows);
  }

  // Whole blocks and the ragged rest of the block axis are quantized apart: their groups differ in length.
  void quantize_box(size_t task, const Box& box, std::span<const float> values, Parameters& parameters,
                    std::span<uint8_t> codes) {
    const ScaleLayout& layout = job_.layout;
    const Shape& extent = box.extent;
    if (layout.block_axis < 0 || extent[axis()] % layout.block_size == 0) {
      const Grouping grouping(extent, layout);
      const uint64_t first_group =
          static_cast<uint64_t>(box.start[0]) * parameters.scale.size() / static_cast<uint64_t>(extent[0]);
      if (grouping.is_identity()) {
        quantize_groups(first_group, values, grouping.length(), parameters, codes);
        return measure(task, grouping, values, codes, parameters);
      }
      Borrowed<float> grouped(scratch(), values.size());
      grouping.gather(values.data(), grouped.data());
      Borrowed<uint8_t> grouped_codes(scratch(), values.size());
      quantize_groups(first_group, grouped.span(), grouping.length(), parameters, grouped_codes.span());
      grouping.scatter(grouped_codes.data(), codes.data());
      return measure(task, grouping, grouped.span(), grouped_codes.span(), parameters);
    }
    const int64_t whole = extent[axis()] / layout.block_size * layout.block_size;
    if (whole > 0) quantize_part(task, extent, 0, whole, values, parameters, codes);
    quantize_part(task, extent, whole, extent[axis()] - whole, values, parameters, codes);
  }

  void quantize_part(size_t task, const Shape& extent, int64_t begin, int64_t count, std::span<const float> values,
                     Parameters& parameters, std::span<uint8_t> codes) {
    Shape part = extent;
    part[axis()] = count;
    const int64_t inner = product(extent, axis() + 1);
    const int64_t outer = product(extent) / std::max<int64_t>(1, extent[axis()] * inner);
    std::vector<float> taken(static_cast<size_t>(product(part)));
    const int64_t run = count * inner, stride = extent[axis()] * inner;
    for (int64_t o = 0; o < outer; ++o) {
      std::copy_n(values.begin() + o * stride + begin * inner, run, taken.begin() + o * run);
    }
    const Grouping grouping(part, job_.layout);
    std::vector<float> grouped(taken.size());
    grouping.gather(taken.data(), grouped.data());
    Parameters own(static_cast<size_t>(grouping.groups()));
    std::vector<uint8_t> grouped_codes(taken.size()), part_codes(taken.size());
    algorithm_.quantize(job_.spec, grouped, grouping.length(), own.scale, own.zero_point, grouped_codes);
    grouping.scatter(grouped_codes.data(), part_codes.data());
    measure(task, grouping, grouped, grouped_codes, own);
    for (int64_t o = 0; o < outer; ++o) {
      std::copy_n(part_codes.begin() + o * run, run, codes.begin() + o * stride + begin * inner);
    }
    place(extent, part, begin, own, parameters);
  }

  // Parameters of a part of the block axis into those of the whole box.
  void place(const Shape& extent, const Shape& part, int64_t begin, const Parameters& own, Parameters& all) const {
    const Shape from = scale_shape(part, job_.layout), to = scale_shape(extent, job_.layout);
    size_t at = 0;  // the block axis within the scale's shape
    for (int d = 0; d < job_.layout.block_axis; ++d) at += has(job_.layout.channel_axes, d) ? 1 : 0;
    const int64_t inner = product(to, at + 1);
    const int64_t run = from[at] * inner, stride = to[at] * inner, offset = begin / job_.layout.block_size * inner;
    for (int64_t o = 0; o * run < static_cast<int64_t>(own.scale.size()); ++o) {
      std::copy_n(own.scale.begin() + o * run, run, all.scale.begin() + o * stride + offset);
      std::copy_n(own.zero_point.begin() + o * run, run, all.zero_point.begin() + o * stride + offset);
    }
  }

  // Rows are widened to whole blocks with the code of the last block's zero point, which dequantizes to 0.
  void pad(std::span<const uint8_t> codes, const Parameters& parameters, uint64_t first) const {
    const size_t row = static_cast<size_t>(shape_.back()), wide = static_cast<size_t>(job_.pad_last_axis_to);
    const size_t rows = codes.size() / row, blocks = parameters.scale.size() / rows;
    std::vector<uint8_t> padded(rows * wide);
    for (size_t r = 0; r < rows; ++r) {
      std::copy_n(codes.begin() + static_cast<std::ptrdiff_t>(r * row), row,
                  padded.begin() + static_cast<std::ptrdiff_t>(r * wide));
      const uint8_t zero =
          static_cast<uint8_t>(zero_point_code(parameters.zero_point[(r + 1) * blocks - 1]) ^ job_.code_xor);
      std::fill(padded.begin() + static_cast<std::ptrdiff_t>(r * wide + row),
                padded.begin() + static_cast<std::ptrdiff_t>((r + 1) * wide), zero);
    }
    write_codes(first * static_cast<uint64_t>(product(shape_, 1) / shape_.back()) * wide, std::span(padded));
  }

  int64_t row_ = 1;   // elements of one first-axis index
  int64_t rows_ = 1;  // first-axis indices of a slab
};

}  // namespace

std::unique_ptr<Unit> make_slab_job(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                    const UnitOptions& options) {
  return std::make_unique<SlabJob>(job, algorithm, extents, options);
}

}  // namespace vetquant
