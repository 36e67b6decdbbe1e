// Rows [channels, depth] with blocks along the depth: a task makes the codes of some rows, strip by strip of the depth.
#include <cstring>

#include "job_unit.h"

namespace vetquant {
namespace {

class StripJob : public JobUnit {
 public:
  StripJob(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents, const UnitOptions& options)
      : JobUnit(job, algorithm, extents, options),
        depth_(shape_[1]),
        block_(job.layout.block_size),
        wide_(std::max(depth_, job.pad_last_axis_to)),
        blocks_((depth_ + block_ - 1) / block_) {
    const int64_t tile = static_cast<int64_t>(tile_elements());
    // The task's codes stay in memory until its rows are whole; of float values there is only a strip.
    const int64_t held = static_cast<int64_t>(kHeldTiles * options.tile_bytes) * 2 / (nibbles() ? 1 : 2);
    if (lies_transposed()) {
      rows_ = std::min(held / std::max<int64_t>(1, wide_), tile / std::min(block_, depth_));
    } else {
      rows_ = tile / std::max<int64_t>(1, depth_);
    }
    rows_ = std::max<int64_t>(2, rows_ & ~int64_t{1});
    if (rows_ >= 16) rows_ &= ~int64_t{15};
    rows_ = std::min(rows_, shape_[0]);
    cut_strips(lies_transposed() ? tile / std::max<int64_t>(1, rows_) : depth_);
    distortion_.resize(run_tasks());
  }

  uint64_t run_tasks() const override {
    return static_cast<uint64_t>((shape_[0] + rows_ - 1) / std::max<int64_t>(1, rows_));
  }

  void run(uint64_t task) override {
    const int64_t first = static_cast<int64_t>(task) * rows_, rows = std::min(rows_, shape_[0] - first);
    Parameters all(static_cast<size_t>(rows * blocks_));
    const size_t row_bytes = bytes(wide_);
    Borrowed<uint8_t> slab(scratch(), static_cast<size_t>(rows) * row_bytes);
    for (const Strip& strip : strips_) named([&] { quantize(task, first, rows, strip, all, slab.span()); });
    if (wide_ > depth_) pad(rows, all, slab.span());
    write_parameters(static_cast<uint64_t>(first * blocks_), all, static_cast<uint64_t>(blocks_));
    extents_.codes.write(static_cast<uint64_t>(first) * row_bytes, std::as_bytes(slab.span()));
  }

 private:
  static constexpr uint64_t kHeldTiles = 4;

  struct Strip {
    int64_t begin, count;  // columns
    int64_t length;        // of each of its groups
  };

  size_t bytes(int64_t codes) const { return static_cast<size_t>(nibbles() ? codes / 2 : codes); }

  // Neighbours of a column, not of a row, lie side by side in the file.
  bool lies_transposed() const {
    const Piece& piece = job_.source.pieces()[0];
    return piece.stride[0] == 1 && shape_[0] > 1 && piece.stride[1] != 1;
  }

  // Strips of whole blocks, and one of the ragged last block.
  void cut_strips(int64_t width) {
    const int64_t whole = depth_ / block_ * block_, step = std::max<int64_t>(1, width / block_) * block_;
    for (int64_t begin = 0; begin < whole; begin += step)
      strips_.push_back({begin, std::min(step, whole - begin), block_});
    if (whole < depth_) strips_.push_back({whole, depth_ - whole, depth_ - whole});
  }

  void quantize(size_t task, int64_t first, int64_t rows, const Strip& strip, Parameters& all,
                std::span<uint8_t> slab) {
    const Box box{{first, strip.begin}, {rows, strip.count}};
    const Borrowed<float> values = read(box);
    const int64_t groups = strip.count / strip.length;
    Parameters own(static_cast<size_t>(rows * groups));
    Borrowed<uint8_t> codes(scratch(), values.size());
    algorithm_.quantize(job_.spec, values.span(), strip.length, own.scale, own.zero_point, codes.span());
    measure(task, strip.length, values.span(), codes.span(), own);
    const auto move = [&](const std::vector<float>& from, std::vector<float>& to) {
      for (int64_t r = 0; r < rows; ++r) {
        std::copy_n(from.begin() + r * groups, groups, to.begin() + r * blocks_ + strip.begin / block_);
      }
    };
    move(own.scale, all.scale);
    move(own.zero_point, all.zero_point);
    offset_codes(codes.span());
    place(rows, strip, codes.span(), slab);
  }

  // Codes of a strip into the rows that the task holds. Only a ragged last block may have an odd number of 4-bit codes, and
  // then what follows in its byte is padding.
  void place(int64_t rows, const Strip& strip, std::span<const uint8_t> codes, std::span<uint8_t> slab) const {
    const size_t row_bytes = bytes(wide_), count = static_cast<size_t>(strip.count);
    uint8_t* to = slab.data() + bytes(strip.begin);
    if (nibbles() && count % 2 != 0) {
      for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
        pack_nibbles(codes.subspan(r * count, count), std::span(to + r * row_bytes, (count + 1) / 2));
      }
      return;
    }
    Borrowed<uint8_t> packed(scratch(), nibbles() ? codes.size() / 2 : 0);
    if (nibbles()) pack_nibbles(codes, packed.span());
    const uint8_t* from = nibbles() ? packed.data() : codes.data();
    const size_t run = bytes(strip.count);
    for (size_t r = 0; r < static_cast<size_t>(rows); ++r) std::memcpy(to + r * row_bytes, from + r * run, run);
  }

  // Rows are widened to whole blocks with the code of the last block's zero point, which dequantizes to 0.
  void pad(int64_t rows, const Parameters& all, std::span<uint8_t> slab) const {
    const size_t row_bytes = bytes(wide_), used = bytes(depth_);
    for (int64_t r = 0; r < rows; ++r) {
      uint8_t code = zero_point_code(all.zero_point[static_cast<size_t>((r + 1) * blocks_ - 1)]);
      std::span<uint8_t> row = slab.subspan(static_cast<size_t>(r) * row_bytes, row_bytes);
      if (nibbles() && depth_ % 2 != 0) row[used] = static_cast<uint8_t>((row[used] & 0x0F) | (code << 4));
      if (nibbles()) code = static_cast<uint8_t>(code | (code << 4));
      std::fill(row.begin() + static_cast<std::ptrdiff_t>(used + (nibbles() && depth_ % 2 != 0 ? 1 : 0)), row.end(),
                code);
    }
  }

  int64_t depth_, block_;
  int64_t wide_;    // a row's codes, with padding
  int64_t blocks_;  // of a row
  int64_t rows_ = 1;
  std::vector<Strip> strips_;
};

}  // namespace

std::unique_ptr<Unit> make_strip_job(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                     const UnitOptions& options) {
  return std::make_unique<StripJob>(job, algorithm, extents, options);
}

}  // namespace vetquant
