// Quantization of one tensor in bounded memory: what both ways of working a job share.
//
// Strip jobs: rows [channels, depth] with blocks along the depth. A task makes the codes of some rows, a strip of columns at a
//   time, so that a matrix that lies the other way round in its file is read in long runs. MatMulNBits, GatherBlockQuantized.
// Slab jobs: the first axis selects groups (a channel axis, or blocks of rows), so a range of its indices holds whole groups:
//   read, quantize, write, once. Tables, Conv weights, blocks along the first axis.
// Fit jobs: groups run along the first axis (per tensor; per output channel of a [K, N] matrix): first every scale is fitted,
//   by ranges of a channel axis or by streaming, then codes are written in row order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "grouping.h"
#include "unit.h"
#include "vetquant/core/error.h"
#include "vetquant/core/half.h"
#include "vetquant/quant/activation_parameters.h"
#include "vetquant/quant/log_scale.h"
#include "vetquant/quant/pack.h"

namespace vetquant {

inline bool has(const std::vector<int>& axes, int axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

inline int64_t product(const Shape& shape, size_t from = 0) {
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
      : job_(job), algorithm_(algorithm), extents_(extents), options_(options), shape_(job.source.shape()) {
    for (const QuantJob::Bias& bias : job.biases) {
      biases_.emplace_back(bias.view.elements());
      read_floats(bias.view, Box::whole(bias.view), biases_.back());
    }
    scales_ = static_cast<uint64_t>(product(scale_shape(shape_, job.layout)));
  }
  uint64_t source_bytes() const override { return job_.source.elements() * sizeof(float); }
  void write_behind() const override { extents_.codes.write_behind(); }
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
  uint64_t tile_elements() const { return vetquant::tile_elements(options_.tile_bytes, job_.proven_equal); }

  Scratch& scratch() const { return *options_.scratch; }

  Borrowed<float> read(const Box& box) const {
    Borrowed<float> values(scratch(), box.elements());
    read_floats(job_.source, box, values.span());
    for (const TensorView& other : job_.proven_equal) prove_equal(job_.source, other, box, values.span(), scratch());
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
  void write_codes(uint64_t flat, std::span<uint8_t> codes) const {
    offset_codes(codes);
    if (!nibbles()) return extents_.codes.write(flat, std::as_bytes(codes));
    Borrowed<uint8_t> packed(scratch(), (codes.size() + 1) / 2);
    pack_nibbles(codes, packed.span());
    extents_.codes.write(flat / 2, std::as_bytes(packed.span()));
  }

  void offset_codes(std::span<uint8_t> codes) const {
    if (job_.code_xor == 0) return;
    const uint64_t eight = uint64_t{0x0101010101010101} * job_.code_xor;
    size_t i = 0;
    for (; i + 8 <= codes.size(); i += 8) {
      uint64_t word;
      std::memcpy(&word, codes.data() + i, 8);
      word ^= eight;
      std::memcpy(codes.data() + i, &word, 8);
    }
    for (; i < codes.size(); ++i) codes[i] ^= job_.code_xor;
  }

  uint8_t zero_point_code(float zero_point) const {
    const uint8_t code = static_cast<uint8_t>(static_cast<int>(std::lrint(zero_point)));
    return static_cast<uint8_t>((nibbles() ? code & 0x0F : code) ^ job_.code_xor);
  }

  // Fits and encodes groups [first, first + scale.size()), each of `length` values.
  void quantize_groups(uint64_t first, std::span<const float> values, int64_t length, Parameters& parameters,
                       std::span<uint8_t> codes) const {
    if (biases_.empty())
      return algorithm_.quantize(job_.spec, values, length, parameters.scale, parameters.zero_point, codes);
    if (!algorithm_.separable()) {
      algorithm_.quantize(job_.spec, values, length, parameters.scale, parameters.zero_point, codes);
    } else {
      algorithm_.fit(job_.spec, values, length, parameters.scale, parameters.zero_point);
    }
    for (size_t i = 0; i < parameters.scale.size(); ++i) {
      const auto group = values.subspan(i * static_cast<size_t>(length), static_cast<size_t>(length));
      const bool zeros = std::all_of(group.begin(), group.end(), [](float value) { return value == 0; });
      widen_for_biases(first + i, zeros ? Content::kZeros : Content::kValues, parameters.scale[i]);
    }
    if (algorithm_.separable())
      algorithm_.encode(job_.spec, values, length, parameters.scale, parameters.zero_point, codes);
  }

  // The scale that the group's biases need at least. Zeros are coded with any scale: theirs suits the bias alone.
  enum class Content { kValues, kZeros };
  void widen_for_biases(uint64_t group, Content content, float& scale) const {
    float least = 0;
    for (size_t b = 0; b < biases_.size(); ++b) {
      for (uint64_t c = group; c < biases_[b].size(); c += scales_)
        least = std::max(least, quant::least_weight_scale(biases_[b][c], job_.biases[b].input_scale));
    }
    if (least == 0 || (content == Content::kValues && scale >= least)) return;
    if (!algorithm_.separable() && content == Content::kValues) {
      throw Error(ErrorCode::kUnsupported,
                  "the bias does not fit int32 with the scales of algorithm '" + std::string(algorithm_.name()) +
                      "', which cannot be widened; use a built-in algorithm for this weight",
                  job_.name);
    }
    scale = least;
  }

  void write_biases(uint64_t first, std::span<const float> scale) const {
    for (size_t b = 0; b < biases_.size(); ++b) {
      const float input_scale = job_.biases[b].input_scale;
      for (uint64_t begin = first; begin < biases_[b].size(); begin += scales_) {
        std::vector<int32_t> codes;
        std::vector<float> scales;
        for (size_t i = 0; i < scale.size() && begin + i < biases_[b].size(); ++i) {
          codes.push_back(quant::bias_code(biases_[b][begin + i], input_scale, scale[i]));
          scales.push_back(quant::bias_scale(input_scale, scale[i]));
        }
        extents_.biases[b].codes.write(begin * sizeof(int32_t), std::as_bytes(std::span(codes)));
        extents_.biases[b].scale.write(begin * sizeof(float), std::as_bytes(std::span(scales)));
      }
    }
  }

  // Scales (and zero points) of groups [first, first + scale.size()), `blocks` of them in a row of the scale tensor.
  void write_parameters(uint64_t first, const Parameters& parameters, uint64_t blocks) const {
    const std::vector<float>& scale = parameters.scale;
    write_biases(first, scale);
    if (extents_.scale_type == DType::kUint8) {
      std::vector<uint8_t> codes(scale.size());
      log8_codes(scale, codes);
      extents_.scale.write(first, std::as_bytes(std::span(codes)));
    } else if (extents_.scale_type == DType::kFloat16) {
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
    measure(task, grouping.length(), grouped, codes, parameters);
  }

  void measure(size_t task, int64_t length, std::span<const float> grouped, std::span<const uint8_t> codes,
               const Parameters& parameters) {
    if (options_.measure == Measure::kNo) return;
    Borrowed<float> back(scratch(), grouped.size());
    decode(job_.spec, codes, length, parameters.scale, parameters.zero_point, back.span());
    distortion_[task].add(grouped, back.span());
  }

  const QuantJob& job_;
  const Algorithm& algorithm_;
  JobExtents extents_;
  UnitOptions options_;
  Shape shape_;
  std::vector<Distortion> distortion_;      // by task
  std::vector<std::vector<float>> biases_;  // as job_.biases
  uint64_t scales_ = 1;                     // of the whole tensor
};

std::unique_ptr<Unit> make_strip_job(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                     const UnitOptions& options);
std::unique_ptr<Unit> make_slab_job(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                    const UnitOptions& options);
std::unique_ptr<Unit> make_fit_job(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                   const UnitOptions& options);

}  // namespace vetquant
