// A job whose groups run along the first axis: all scales first, then codes in row order. Where the groups are the columns of a
// matrix and the algorithm needs no more than their ranges, both steps read the rows as they lie in the file.
#include "job_unit.h"
#include "vetquant/quant/columns.h"

namespace vetquant {
namespace {

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
    by_columns_ = algorithm.separable() && algorithm.fits_ranges() && !shape_.empty() &&
                  job.layout.channel_axes == std::vector<int>{static_cast<int>(shape_.size()) - 1};
    if (by_columns_) {
      width_ = column_width();
    } else if (fit_axis_ >= 0) {
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
      } else if (by_columns_) {
        fit_columns(static_cast<int64_t>(task) * width_);
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
    const Borrowed<float> values = read(box);
    if (by_columns_) return run_columns(task, box, values.span());
    const Grouping grouping(box.extent, job_.layout);
    Borrowed<float> grouped(scratch(), values.size());
    grouping.gather(values.data(), grouped.data());
    const std::vector<size_t> groups = groups_of(box);
    Parameters own(groups.size());
    for (size_t i = 0; i < groups.size(); ++i) {
      own.scale[i] = parameters_.scale[groups[i]];
      own.zero_point[i] = parameters_.zero_point[groups[i]];
    }
    Borrowed<uint8_t> grouped_codes(scratch(), values.size()), codes(scratch(), values.size());
    algorithm_.encode(job_.spec, grouped.span(), grouping.length(), own.scale, own.zero_point, grouped_codes.span());
    grouping.scatter(grouped_codes.data(), codes.data());
    measure(task, grouping, grouped.span(), grouped_codes.span(), own);
    write_codes(flat_index(shape_, box.start), codes.span());
  }

 private:
  // Columns of a fit task: all of a small matrix; of a large one as many as make long reads, and leave work for every thread.
  int64_t column_width() const {
    constexpr int64_t kLongRun = 1024;
    const int64_t columns = shape_.back(), tile = static_cast<int64_t>(tile_elements());
    const int64_t wanted = product(shape_) <= 16 * tile ? columns : kLongRun;
    return std::max<int64_t>(1, std::min({wanted, columns, tile}));
  }

  void fit_columns(int64_t first) {
    Box part = Box::whole(job_.source);
    part.extent.back() = std::min(width_, shape_.back() - first);
    const size_t columns = static_cast<size_t>(part.extent.back());
    ColumnRanges ranges(columns);
    for (Box box : tiles_of(part.extent, std::max<uint64_t>(tile_elements(), columns))) {
      box.start.back() += first;
      Borrowed<float> values(scratch(), box.elements());
      read_floats(job_.source, box, values.span());
      ranges.add(values.span());
    }
    std::vector<float> least(columns), largest(columns);
    ranges.finish(least, largest);
    const auto scale = std::span(parameters_.scale).subspan(static_cast<size_t>(first), columns);
    algorithm_.fit_ranges(job_.spec, least, largest, scale,
                          std::span(parameters_.zero_point).subspan(static_cast<size_t>(first), columns));
    for (size_t i = 0; i < columns; ++i) {
      widen_for_biases(static_cast<uint64_t>(first) + i,
                       least[i] == 0 && largest[i] == 0 ? Content::kZeros : Content::kValues, scale[i]);
    }
  }

  void run_columns(size_t task, const Box& box, std::span<const float> values) {
    const size_t first = static_cast<size_t>(box.start.back()), columns = static_cast<size_t>(box.extent.back());
    const auto scale = std::span<const float>(parameters_.scale).subspan(first, columns);
    const auto zero_point = std::span<const float>(parameters_.zero_point).subspan(first, columns);
    Borrowed<uint8_t> codes(scratch(), values.size());
    encode_columns(job_.spec, values, scale, zero_point, codes.span());
    if (options_.measure == Measure::kYes) {
      Borrowed<float> back(scratch(), values.size());
      decode_columns(job_.spec, codes.span(), scale, zero_point, back.span());
      distortion_[task].add(values, back.span());
    }
    write_codes(flat_index(shape_, box.start), codes.span());
  }

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
    Borrowed<float> values(scratch(), box.elements());
    read_floats(job_.source, box, values.span());
    const Grouping grouping(box.extent, job_.layout);
    Borrowed<float> grouped(scratch(), values.size());
    grouping.gather(values.data(), grouped.data());
    Parameters own(static_cast<size_t>(grouping.groups()));
    if (algorithm_.separable()) {
      algorithm_.fit(job_.spec, grouped.span(), grouping.length(), own.scale, own.zero_point);
    } else {
      std::vector<uint8_t> codes(grouped.size());
      algorithm_.quantize(job_.spec, grouped.span(), grouping.length(), own.scale, own.zero_point, codes);
      write_runs(box, grouping, codes);
    }
    const std::vector<size_t> groups = groups_of(box);
    for (size_t i = 0; i < groups.size(); ++i) {
      const auto group =
          grouped.span().subspan(i * static_cast<size_t>(grouping.length()), static_cast<size_t>(grouping.length()));
      const bool zeros = std::all_of(group.begin(), group.end(), [](float value) { return value == 0; });
      widen_for_biases(groups[i], zeros ? Content::kZeros : Content::kValues, own.scale[i]);
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
        Borrowed<float> values(scratch(), box.elements());
        read_floats(job_.source, box, values.span());
        piece(values.span());
      }
    };
    algorithm_.fit_streamed(job_.spec, replay, parameters_.scale[group], parameters_.zero_point[group]);
    if (biases_.empty()) return;
    bool zeros = true;
    replay([&](std::span<const float> piece) {
      zeros = zeros && std::all_of(piece.begin(), piece.end(), [](float value) { return value == 0; });
    });
    widen_for_biases(group, zeros ? Content::kZeros : Content::kValues, parameters_.scale[group]);
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
      write_codes(at, std::span(part));
    }
  }

  Parameters parameters_;
  std::vector<Box> tiles_;
  int fit_axis_ = -1;
  int64_t width_ = 0;  // indices of fit_axis_ in a fit task; 0: groups are streamed
  bool by_columns_ = false;
};

}  // namespace

std::unique_ptr<Unit> make_fit_job(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                   const UnitOptions& options) {
  return std::make_unique<FitJob>(job, algorithm, extents, options);
}

}  // namespace vetquant
