// Quantization of one tensor in bounded memory.
//
// SlabJob: the first axis selects groups (a channel axis, or blocks of rows), so a range of its indices holds whole groups:
//   read, quantize, write, once. All block layouts of MatMulNBits and GatherBlockQuantized, tables, Conv weights.
// FitJob: groups run along the first axis (per tensor; per output channel of a [K, N] matrix): first every scale is fitted,
//   by ranges of a channel axis or by streaming, then codes are written in row order.
#include <algorithm>
#include <cmath>
#include <mutex>

#include "grouping.h"
#include "unit.h"
#include "vetquant/core/error.h"
#include "vetquant/core/half.h"
#include "vetquant/quant/pack.h"

namespace vetquant {
namespace {

bool has(const std::vector<int>& axes, int axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

int64_t product(const Shape& shape, size_t from = 0) {
  int64_t result = 1;
  for (size_t d = from; d < shape.size(); ++d) result *= shape[d];
  return result;
}

// Scales and zero points of a box, in the row-major order of the scale tensor restricted to the box.
struct Parameters {
  std::vector<float> scale, zero_point;
  explicit Parameters(size_t groups) : scale(groups), zero_point(groups) {}
};

class JobUnit : public Unit {
 public:
  JobUnit(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents, const UnitOptions& options)
      : job_(job), algorithm_(algorithm), extents_(extents), options_(options), shape_(job.source.shape()) {}
  uint64_t source_bytes() const override { return job_.source.elements() * sizeof(float); }
  void report(std::vector<TensorResult>& results) const override {
    TensorResult result;
    result.name = job_.name;
    if (options_.measure == Measure::kYes) {
      Distortion all;
      for (const Distortion& part : distortion_) all.merge(part);
      result.sqnr_db = all.sqnr_db();
      result.max_error = all.max_error();
    }
    results.push_back(std::move(result));
  }

 protected:
  bool nibbles() const { return bits_of(job_.spec.code_type) == 4; }
  uint64_t tile_elements() const { return std::max<uint64_t>(1, options_.tile_bytes / sizeof(float)); }

  std::vector<float> read(const Box& box) const {
    std::vector<float> values(box.elements());
    read_floats(job_.source, box, values);
    for (const TensorView& other : job_.proven_equal) prove_equal(job_.source, other, box, values);
    return values;
  }

  // Algorithms name a group; people know tensors.
  template <class Fn>
  void named(const Fn& fn) const {
    try {
      fn();
    } catch (const Error& error) {
      throw Error(error.code(), error.message() + (error.where().empty() ? "" : " (" + error.where() + ")"), job_.name);
    }
  }

  // Codes as they are stored: xor-ed, and packed for 4 bits. `flat` is the index of the first element.
  void write_codes(uint64_t flat, std::vector<uint8_t>& codes) const {
    if (job_.code_xor != 0) {
      for (uint8_t& code : codes) code ^= job_.code_xor;
    }
    if (!nibbles()) return extents_.codes.write(flat, std::as_bytes(std::span(codes)));
    std::vector<uint8_t> packed((codes.size() + 1) / 2);
    pack_nibbles(codes, packed);
    extents_.codes.write(flat / 2, std::as_bytes(std::span(packed)));
  }

  uint8_t zero_point_code(float zero_point) const {
    const uint8_t code = static_cast<uint8_t>(static_cast<int>(std::lrint(zero_point)));
    return static_cast<uint8_t>((nibbles() ? code & 0x0F : code) ^ job_.code_xor);
  }

  // Scales (and zero points) of groups [first, first + scale.size()), `blocks` of them in a row of the scale tensor.
  void write_parameters(uint64_t first, const Parameters& parameters, uint64_t blocks) const {
    const std::vector<float>& scale = parameters.scale;
    if (extents_.scale_type == DType::kFloat16) {
      std::vector<uint16_t> halves(scale.size());
      floats_to_halves(scale, Overflow::kClamp, halves);
      extents_.scale.write(first * 2, std::as_bytes(std::span(halves)));
    } else {
      extents_.scale.write(first * 4, std::as_bytes(std::span(scale)));
    }
    if (!extents_.zero_point) return;
    const std::vector<float>& zero_point = parameters.zero_point;
    if (job_.zero_point_packing == QuantJob::ZeroPointPacking::kFloats) {
      extents_.zero_point.write(first * 4, std::as_bytes(std::span(zero_point)));
      return;
    }
    std::vector<uint8_t> codes(zero_point.size());
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = zero_point_code(zero_point[i]);
    if (!nibbles()) return extents_.zero_point.write(first, std::as_bytes(std::span(codes)));
    const bool per_row = job_.zero_point_packing == QuantJob::ZeroPointPacking::kNibblesPerRow;
    const uint64_t run = per_row ? blocks : codes.size();
    const uint64_t run_bytes = (run + 1) / 2;
    std::vector<uint8_t> packed(run_bytes * (run == 0 ? 0 : codes.size() / run));
    for (uint64_t row = 0; run != 0 && row * run < codes.size(); ++row) {
      pack_nibbles(std::span(codes).subspan(row * run, run), std::span(packed).subspan(row * run_bytes, run_bytes));
    }
    extents_.zero_point.write(per_row ? first / blocks * run_bytes : first / 2, std::as_bytes(std::span(packed)));
  }

  void measure(size_t task, const Grouping& grouping, std::span<const float> grouped, std::span<const uint8_t> codes,
               const Parameters& parameters) {
    if (options_.measure == Measure::kNo) return;
    std::vector<float> back(grouped.size());
    decode(job_.spec, codes, grouping.length(), parameters.scale, parameters.zero_point, back);
    distortion_[task].add(grouped, back);
  }

  const QuantJob& job_;
  const Algorithm& algorithm_;
  JobExtents extents_;
  UnitOptions options_;
  Shape shape_;
  std::vector<Distortion> distortion_;  // by task
};

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
    const std::vector<float> values = read(box);
    const int64_t groups = product(scale_shape(box.extent, job_.layout));
    Parameters parameters(static_cast<size_t>(groups));
    std::vector<uint8_t> codes(values.size());
    named([&] { quantize_box(task, box.extent, values, parameters, codes); });
    const uint64_t blocks = job_.layout.block_axis > 0 ? blocks_along(shape_[axis()]) : 1;
    const uint64_t groups_per_row = static_cast<uint64_t>(groups) / parameters_rows(box.extent[0]);
    write_parameters(parameters_rows(first) * groups_per_row, parameters, blocks);
    if (job_.pad_last_axis_to > shape_.back()) {
      pad(codes, parameters, static_cast<uint64_t>(first));
    } else {
      write_codes(static_cast<uint64_t>(first * row_), codes);
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
  void quantize_box(size_t task, const Shape& extent, const std::vector<float>& values, Parameters& parameters,
                    std::vector<uint8_t>& codes) {
    const ScaleLayout& layout = job_.layout;
    if (layout.block_axis < 0 || extent[axis()] % layout.block_size == 0) {
      const Grouping grouping(extent, layout);
      std::vector<float> grouped(values.size());
      grouping.gather(values.data(), grouped.data());
      std::vector<uint8_t> grouped_codes(values.size());
      algorithm_.quantize(job_.spec, grouped, grouping.length(), parameters.scale, parameters.zero_point,
                          grouped_codes);
      grouping.scatter(grouped_codes.data(), codes.data());
      measure(task, grouping, grouped, grouped_codes, parameters);
      return;
    }
    const int64_t whole = extent[axis()] / layout.block_size * layout.block_size;
    if (whole > 0) quantize_part(task, extent, 0, whole, values, parameters, codes);
    quantize_part(task, extent, whole, extent[axis()] - whole, values, parameters, codes);
  }

  void quantize_part(size_t task, const Shape& extent, int64_t begin, int64_t count, const std::vector<float>& values,
                     Parameters& parameters, std::vector<uint8_t>& codes) {
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
  void pad(const std::vector<uint8_t>& codes, const Parameters& parameters, uint64_t first) const {
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
    write_codes(first * static_cast<uint64_t>(product(shape_, 1) / shape_.back()) * wide, padded);
  }

  int64_t row_ = 1;   // elements of one first-axis index
  int64_t rows_ = 1;  // first-axis indices of a slab
};

class FitJob : public JobUnit {
 public:
  FitJob(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents, const UnitOptions& options)
      : JobUnit(job, algorithm, extents, options),
        parameters_(static_cast<size_t>(product(scale_shape(shape_, job.layout)))),
        tiles_(tiles_of(shape_, tile_elements(), nibbles() ? TileStart::kEven : TileStart::kAny)) {
    if (job.layout.block_axis >= 0)
      throw Error(ErrorCode::kInternal, "blocks along an inner axis need a channel axis first", job.name);
    for (int axis : job.layout.channel_axes) {
      if (fit_axis_ < 0 || shape_[static_cast<size_t>(axis)] > shape_[static_cast<size_t>(fit_axis_)]) fit_axis_ = axis;
    }
    if (fit_axis_ >= 0) {
      const int64_t one = product(shape_) / shape_[static_cast<size_t>(fit_axis_)];
      width_ = static_cast<int64_t>(tile_elements()) / std::max<int64_t>(1, one);
      if (!algorithm.separable()) width_ = std::max<int64_t>(width_, 1);
    }
    distortion_.resize(tiles_.size());
  }

  uint64_t fit_tasks() const override {
    if (width_ == 0) return parameters_.scale.size();
    const int64_t channels = shape_[static_cast<size_t>(fit_axis_)];
    return static_cast<uint64_t>((channels + width_ - 1) / width_);
  }

  void fit(uint64_t task) override {
    named([&] {
      if (width_ == 0) {
        fit_streamed(task);
      } else {
        fit_range(static_cast<int64_t>(task) * width_);
      }
    });
  }

  uint64_t run_tasks() const override { return tiles_.size(); }

  void run(uint64_t task) override {
    if (task == 0) write_parameters(0, parameters_, 1);
    if (!algorithm_.separable()) return;  // codes were written while fitting
    const Box& box = tiles_[task];
    const std::vector<float> values = read(box);
    const Grouping grouping(box.extent, job_.layout);
    std::vector<float> grouped(values.size());
    grouping.gather(values.data(), grouped.data());
    const std::vector<size_t> groups = groups_of(box);
    Parameters own(groups.size());
    for (size_t i = 0; i < groups.size(); ++i) {
      own.scale[i] = parameters_.scale[groups[i]];
      own.zero_point[i] = parameters_.zero_point[groups[i]];
    }
    std::vector<uint8_t> grouped_codes(values.size()), codes(values.size());
    algorithm_.encode(job_.spec, grouped, grouping.length(), own.scale, own.zero_point, grouped_codes);
    grouping.scatter(grouped_codes.data(), codes.data());
    measure(task, grouping, grouped, grouped_codes, own);
    write_codes(flat_index(shape_, box.start), codes);
  }

 private:
  // Indices into parameters_ of the groups that a box touches, in grouped order.
  std::vector<size_t> groups_of(const Box& box) const {
    std::vector<size_t> groups{0};
    for (int axis : job_.layout.channel_axes) {
      const size_t d = static_cast<size_t>(axis);
      std::vector<size_t> next;
      next.reserve(groups.size() * static_cast<size_t>(box.extent[d]));
      for (size_t group : groups) {
        for (int64_t i = 0; i < box.extent[d]; ++i) {
          next.push_back(group * static_cast<size_t>(shape_[d]) + static_cast<size_t>(box.start[d] + i));
        }
      }
      groups = std::move(next);
    }
    return groups;
  }

  void fit_range(int64_t first) {
    const size_t axis = static_cast<size_t>(fit_axis_);
    Box box = Box::whole(job_.source);
    box.start[axis] = first;
    box.extent[axis] = std::min(width_, shape_[axis] - first);
    std::vector<float> values(box.elements());
    read_floats(job_.source, box, values);
    const Grouping grouping(box.extent, job_.layout);
    std::vector<float> grouped(values.size());
    grouping.gather(values.data(), grouped.data());
    Parameters own(static_cast<size_t>(grouping.groups()));
    if (algorithm_.separable()) {
      algorithm_.fit(job_.spec, grouped, grouping.length(), own.scale, own.zero_point);
    } else {
      std::vector<uint8_t> codes(grouped.size());
      algorithm_.quantize(job_.spec, grouped, grouping.length(), own.scale, own.zero_point, codes);
      write_runs(box, grouping, codes);
    }
    const std::vector<size_t> groups = groups_of(box);
    for (size_t i = 0; i < groups.size(); ++i) {
      parameters_.scale[groups[i]] = own.scale[i];
      parameters_.zero_point[groups[i]] = own.zero_point[i];
    }
  }

  // One group that is larger than a tile, replayed piece by piece.
  void fit_streamed(uint64_t group) {
    Box whole = Box::whole(job_.source);
    uint64_t rest = group;
    for (size_t i = job_.layout.channel_axes.size(); i-- > 0;) {
      const size_t d = static_cast<size_t>(job_.layout.channel_axes[i]);
      whole.start[d] = static_cast<int64_t>(rest % static_cast<uint64_t>(shape_[d]));
      whole.extent[d] = 1;
      rest /= static_cast<uint64_t>(shape_[d]);
    }
    const std::vector<Box> pieces = tiles_of(whole.extent, tile_elements());
    const ReplayValues replay = [&](const std::function<void(std::span<const float>)>& piece) {
      for (Box box : pieces) {
        for (size_t d = 0; d < box.start.size(); ++d) box.start[d] += whole.start[d];
        std::vector<float> values(box.elements());
        read_floats(job_.source, box, values);
        piece(values);
      }
    };
    algorithm_.fit_streamed(job_.spec, replay, parameters_.scale[group], parameters_.zero_point[group]);
  }

  // Codes of a range of an inner axis: many short runs. Only for algorithms that give codes of their own (plug-ins).
  void write_runs(const Box& box, const Grouping& grouping, const std::vector<uint8_t>& grouped_codes) const {
    const size_t axis = static_cast<size_t>(fit_axis_);
    std::vector<uint8_t> codes(grouped_codes.size());
    grouping.scatter(grouped_codes.data(), codes.data());
    const size_t run = static_cast<size_t>(box.extent[axis] * product(shape_, axis + 1));
    const size_t outer = codes.size() / std::max<size_t>(1, run);
    if (nibbles() && outer > 1 && box.extent[axis] != shape_[axis]) {
      throw Error(ErrorCode::kUnsupported,
                  "this algorithm gives 4-bit codes of its own, which need blocks along the first axis or a tensor "
                  "that fits into memory",
                  job_.name);
    }
    for (size_t o = 0; o < outer; ++o) {
      std::vector<uint8_t> part(codes.begin() + static_cast<std::ptrdiff_t>(o * run),
                                codes.begin() + static_cast<std::ptrdiff_t>((o + 1) * run));
      const uint64_t at = (o * static_cast<uint64_t>(shape_[axis]) + static_cast<uint64_t>(box.start[axis])) *
                          static_cast<uint64_t>(product(shape_, axis + 1));
      write_codes(at, part);
    }
  }

  Parameters parameters_;
  std::vector<Box> tiles_;
  int fit_axis_ = -1;
  int64_t width_ = 0;  // indices of fit_axis_ in a fit task; 0: groups are streamed
};

}  // namespace

std::unique_ptr<Unit> make_job_unit(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                    const UnitOptions& options) {
  const Shape& shape = job.source.shape();
  constexpr int64_t kLargestSlab = 4 << 20;  // values; a longer group is streamed
  const bool whole_groups = !shape.empty() && (has(job.layout.channel_axes, 0) || job.layout.block_axis == 0);
  const bool blocked = job.layout.block_axis >= 0;
  if (whole_groups && (blocked || !algorithm.separable() || product(shape, 1) <= kLargestSlab)) {
    return std::make_unique<SlabJob>(job, algorithm, extents, options);
  }
  return std::make_unique<FitJob>(job, algorithm, extents, options);
}

}  // namespace vetquant
