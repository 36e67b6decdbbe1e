#include "unit.h"

#include <algorithm>
#include <cstring>

#include "vetquant/core/error.h"
#include "vetquant/core/half.h"

namespace vetquant {

void Extent::write(uint64_t at, std::span<const std::byte> data) const {
  if (file == nullptr || at > bytes || data.size() > bytes - at) {
    throw Error(ErrorCode::kInternal, "a tensor is larger than the space laid out for it");
  }
  if (!data.empty()) file->write(offset + at, data);
}

uint64_t flat_index(const Shape& shape, const Shape& at) {
  uint64_t flat = 0;
  for (size_t d = 0; d < shape.size(); ++d)
    flat = flat * static_cast<uint64_t>(shape[d]) + static_cast<uint64_t>(at[d]);
  return flat;
}

std::vector<Box> tiles_of(const Shape& shape, uint64_t elements, TileStart start) {
  std::vector<Box> tiles;
  uint64_t total = 1;
  for (int64_t dim : shape) total *= static_cast<uint64_t>(dim);
  if (total == 0) return tiles;
  if (total <= elements || shape.empty()) {
    tiles.push_back({Shape(shape.size(), 0), shape});
    return tiles;
  }
  // The axis along which ranges are cut: everything after it fits into a tile, with itself it does not.
  size_t axis = shape.size() - 1;
  uint64_t inner = 1;
  while (axis > 0 && inner * static_cast<uint64_t>(shape[axis]) <= elements) {
    inner *= static_cast<uint64_t>(shape[axis]);
    --axis;
  }
  int64_t step = std::max<int64_t>(1, static_cast<int64_t>(elements / inner));
  const uint64_t per_lead = inner * static_cast<uint64_t>(shape[axis]);
  if (start == TileStart::kEven && inner % 2 != 0) step = std::max<int64_t>(2, step & ~int64_t{1});
  if (start == TileStart::kEven && axis > 0 &&
      per_lead % 2 != 0) {  // odd rows below leading axes: only the whole tensor begins at an even element
    tiles.push_back({Shape(shape.size(), 0), shape});
    return tiles;
  }
  Box box{Shape(shape.size(), 0), shape};
  for (size_t d = 0; d < axis; ++d) box.extent[d] = 1;
  const uint64_t leads = total / per_lead;
  for (uint64_t lead = 0; lead < leads; ++lead) {
    uint64_t rest = lead;
    for (size_t d = axis; d-- > 0;) {
      box.start[d] = static_cast<int64_t>(rest % static_cast<uint64_t>(shape[d]));
      rest /= static_cast<uint64_t>(shape[d]);
    }
    for (int64_t begin = 0; begin < shape[axis]; begin += step) {
      box.start[axis] = begin;
      box.extent[axis] = std::min(step, shape[axis] - begin);
      tiles.push_back(box);
    }
  }
  return tiles;
}

uint64_t tile_elements(uint64_t tile_bytes, const std::vector<TensorView>& proven_equal) {
  constexpr uint64_t kLonger = 4;
  const bool across = std::any_of(proven_equal.begin(), proven_equal.end(), [](const TensorView& copy) {
    const Piece& piece = copy.pieces()[0];
    return copy.shape().size() > 1 && piece.stride.front() == 1 && piece.stride.back() != 1;
  });
  return std::max<uint64_t>(1, tile_bytes / sizeof(float)) * (across ? kLonger : 1);
}

void prove_equal(const TensorView& source, const TensorView& other, const Box& box, std::span<const float> values,
                 Scratch& scratch) {
  Borrowed<float> theirs(scratch, values.size());
  read_floats(other, box, theirs.span());
  if (std::memcmp(values.data(), theirs.data(), values.size_bytes()) == 0) return;
  throw Error(ErrorCode::kUsage,
              "was planned as a copy of " + other.describe() +
                  ", but they differ; set `tensors: {tied: apart}` in the policy to store both",
              source.describe());
}

namespace {

class CopyUnit : public Unit {
 public:
  CopyUnit(TensorView source, DType dtype, std::vector<TensorView> equal, const Extent& extent,
           const UnitOptions& options)
      : source_(source.dtype() == dtype ? std::move(source) : source.cast(dtype)),
        equal_(std::move(equal)),
        extent_(extent),
        bits_(static_cast<uint64_t>(bits_of(dtype))),
        scratch_(*options.scratch) {
    // Whole bytes and even 4-bit elements, whatever the type.
    per_task_ = std::max<uint64_t>(8, options.tile_bytes * 8 / std::max<uint64_t>(1, bits_)) & ~uint64_t{7};
    if (!equal_.empty()) tiles_ = tiles_of(source_.shape(), tile_elements(options.tile_bytes, equal_));
  }
  uint64_t source_bytes() const override { return extent_.bytes; }
  uint64_t run_tasks() const override { return copies() + tiles_.size(); }
  void write_behind() const override { extent_.write_behind(); }
  void run(uint64_t task) override {
    if (task >= copies()) return prove(tiles_[task - copies()]);
    const uint64_t first = task * per_task_;
    const uint64_t count = std::min(per_task_, source_.elements() - first);
    Borrowed<std::byte> bytes(scratch_, (count * bits_ + 7) / 8);
    read_raw(source_, first, count, bytes.span());
    extent_.write(first * bits_ / 8, bytes.span());
  }

 private:
  uint64_t copies() const { return (source_.elements() + per_task_ - 1) / per_task_; }
  void prove(const Box& box) const {
    Borrowed<float> values(scratch_, box.elements());
    read_floats(source_, box, values.span());
    for (const TensorView& other : equal_) prove_equal(source_, other, box, values.span(), scratch_);
  }

  TensorView source_;
  std::vector<TensorView> equal_;
  Extent extent_;
  uint64_t bits_, per_task_ = 0;
  Scratch& scratch_;
  std::vector<Box> tiles_;
};

class HalfUnit : public Unit {
 public:
  HalfUnit(const DeclaredTensor& declared, const Extent& extent, const UnitOptions& options)
      : declared_(declared),
        extent_(extent),
        options_(options),
        tiles_(tiles_of(declared.source.shape(), tile_elements(options.tile_bytes, declared.proven_equal))),
        counts_(tiles_.size()),
        distortion_(tiles_.size()) {}
  uint64_t source_bytes() const override { return declared_.source.elements() * sizeof(float); }
  uint64_t run_tasks() const override { return tiles_.size(); }
  void write_behind() const override { extent_.write_behind(); }
  void run(uint64_t task) override {
    const Box& box = tiles_[task];
    Scratch& scratch = *options_.scratch;
    Borrowed<float> values(scratch, box.elements());
    read_floats(declared_.source, box, values.span());
    for (const TensorView& other : declared_.proven_equal)
      prove_equal(declared_.source, other, box, values.span(), scratch);
    Borrowed<uint16_t> halves(scratch, values.size());
    const bool bfloat16 = declared_.kind == RecipeKind::kBfloat16s;
    counts_[task] = bfloat16 ? floats_to_bfloat16s(values.span(), declared_.overflow, halves.span())
                             : floats_to_halves(values.span(), declared_.overflow, halves.span());
    extent_.write(flat_index(declared_.source.shape(), box.start) * 2, std::as_bytes(halves.span()));
    if (options_.measure == Measure::kNo) return;
    Borrowed<float> back(scratch, values.size());
    if (bfloat16) {
      bfloat16s_to_floats(halves.span(), back.span());
    } else {
      halves_to_floats(halves.span(), back.span());
    }
    distortion_[task].add(values.span(), back.span());
  }
  void report(std::vector<TensorResult>& results) const override {
    TensorResult result;
    result.name = declared_.name;
    Distortion all;
    for (size_t i = 0; i < tiles_.size(); ++i) {
      result.halves += counts_[i];
      all.merge(distortion_[i]);
    }
    if (options_.measure == Measure::kYes) {
      result.sqnr_db = all.sqnr_db();
      result.max_error = all.max_error();
    }
    results.push_back(std::move(result));
  }

 private:
  const DeclaredTensor& declared_;
  Extent extent_;
  UnitOptions options_;
  std::vector<Box> tiles_;
  std::vector<HalfCounts> counts_;
  std::vector<Distortion> distortion_;
};

class LiteralUnit : public Unit {
 public:
  LiteralUnit(std::string_view bytes, const Extent& extent) : bytes_(bytes), extent_(extent) {}
  uint64_t source_bytes() const override { return bytes_.size(); }
  uint64_t run_tasks() const override { return 1; }
  void run(uint64_t) override { extent_.write(0, std::as_bytes(std::span(bytes_))); }

 private:
  std::string_view bytes_;
  Extent extent_;
};

}  // namespace

std::unique_ptr<Unit> make_copy_unit(TensorView source, DType dtype, std::vector<TensorView> proven_equal,
                                     const Extent& extent, const UnitOptions& options) {
  return std::make_unique<CopyUnit>(std::move(source), dtype, std::move(proven_equal), extent, options);
}

std::unique_ptr<Unit> make_half_unit(const DeclaredTensor& declared, const Extent& extent, const UnitOptions& options) {
  return std::make_unique<HalfUnit>(declared, extent, options);
}

std::unique_ptr<Unit> make_literal_unit(std::string_view bytes, const Extent& extent) {
  return std::make_unique<LiteralUnit>(bytes, extent);
}

}  // namespace vetquant
