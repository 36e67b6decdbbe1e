// The interface of a quantization algorithm: values in, codes + scale + zero point out. No ONNX, no files, no threads.
//
// A *group* is a run of values that share one scale: a whole tensor, a channel, or a block of a channel. Groups are given
// as a row-major matrix
//
//   values      // [groups, length] float, finite    (NaN or Inf: Error{kUnsupported} naming the group)
//   scale       // [groups] > 0; a group of zeros gets scale 1 and zero codes
//   zero_point  // [groups] in code units; integral for ZeroPointKind::kInteger
//   codes       // [groups, length] one byte each, two's complement for signed types, 4-bit codes in the low nibble
//
// All calls are const, reentrant and deterministic: the same values give the same bytes for any thread, SIMD level and
// division of the groups among calls.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vetquant/quant/spec.h"

namespace vetquant {

// A group longer than a tile, replayed from its start as consecutive pieces; may be called more than once.
using ReplayValues = std::function<void(const std::function<void(std::span<const float>)>& piece)>;

class Algorithm {
 public:
  virtual ~Algorithm() = default;
  virtual std::string_view name() const = 0;

  // True where codes follow from scale and zero point by encode() (all built-in algorithms so far).
  virtual bool separable() const { return true; }

  // Chooses scale and zero point of each group. `length` divides values.size().
  virtual void fit(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                   std::span<float> zero_point) const = 0;

  // The same for one group that does not fit into memory. Default: Error{kUnsupported} "needs whole groups in memory".
  virtual void fit_streamed(const QuantSpec& spec, const ReplayValues& replay, float& scale, float& zero_point) const;

  // True where scale and zero point follow from a group's least and largest value alone. fit_ranges then gives what fit gives;
  // the default of the latter is Error{kInternal}. NaN as a range: Error{kUnsupported} naming the group.
  virtual bool fits_ranges() const { return false; }
  virtual void fit_ranges(const QuantSpec& spec, std::span<const float> least, std::span<const float> largest,
                          std::span<float> scale, std::span<float> zero_point) const;

  // Codes for fitted groups. Default: round(w / scale) to nearest even + zero point, clamped (encode_nearest).
  virtual void encode(const QuantSpec& spec, std::span<const float> values, int64_t length,
                      std::span<const float> scale, std::span<const float> zero_point, std::span<uint8_t> codes) const;

  // fit, then encode; algorithms that are not separable override this (and need not support the others).
  virtual void quantize(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                        std::span<float> zero_point, std::span<uint8_t> codes) const;
};

bool is_builtin_algorithm(std::string_view name);

// Algorithms by name: the built-in table, then plug-ins that were loaded. Error{kUsage} with the nearest known name.
class AlgorithmSet {
 public:
  AlgorithmSet();  // the built-in ones: "rtn", "mse"
  const Algorithm& find(std::string_view name) const;
  std::vector<std::string> names() const;

  // Loads a plug-in (include/vetquant/plugin.h). Error{kUnsupported}: not loadable, wrong ABI version, no algorithm,
  // a name that is taken. Its results are checked on every call: scales finite and > 0, codes within range.
  void load_plugin(const std::string& path);

 private:
  std::vector<std::shared_ptr<const Algorithm>> algorithms_;
};

// Vector kernel of the default encode. For each i: clamp(nearbyint(values[i] / scale[g]) + zero_point[g]) with a true
// division (not a product with the reciprocal), so that scalar reference and every SIMD level agree to the bit.
void encode_nearest(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<const float> scale,
                    std::span<const float> zero_point, std::span<uint8_t> codes);

// scale * (code - zero_point), the inverse; out has the size of codes.
void decode(const QuantSpec& spec, std::span<const uint8_t> codes, int64_t length, std::span<const float> scale,
            std::span<const float> zero_point, std::span<float> out);

}  // namespace vetquant
