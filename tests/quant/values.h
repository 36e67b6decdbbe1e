// What the tests of the quantizers share: values that hurt, all specs, and every instruction set of this processor.
#pragma once

#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "vetquant/quant/spec.h"

namespace vetquant::test {

class Random {  // SplitMix64: the same everywhere
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }  // [0, 1)
  double normal() {  // Irwin-Hall: 12 uniform numbers; no library function that differs between machines
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  uint64_t state_;
};

inline std::vector<float> normal_values(size_t count, uint64_t seed, double deviation = 1) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal() * deviation);
  return values;
}

inline std::vector<float> uniform_values(size_t count, uint64_t seed, double low = -1, double high = 1) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(low + (high - low) * random.uniform());
  return values;
}

struct Family {
  std::string name;
  std::vector<float> values;
};

// Finite values of every kind that breaks quantizers, `count` of each.
inline std::vector<Family> families(size_t count) {
  const float largest = std::numeric_limits<float>::max(), tiny = std::numeric_limits<float>::denorm_min();
  std::vector<Family> all{
      {"normal", normal_values(count, 1, 0.02)},
      {"uniform", uniform_values(count, 2)},
      {"positive", uniform_values(count, 3, 0.5, 1)},
      {"negative", uniform_values(count, 4, -3, -1)},
      {"zeros", std::vector<float>(count, 0.0f)},
      {"negative zeros", std::vector<float>(count, -0.0f)},
      {"constant", std::vector<float>(count, 0.1f)},
      {"negative constant", std::vector<float>(count, -7e-5f)},
      {"denormals", uniform_values(count, 5, -1e-39, 1e-39)},
      {"smallest", std::vector<float>(count, tiny)},
      {"least normal", uniform_values(count, 6, -2e-38, 2e-38)},
      {"huge", uniform_values(count, 7, -3.4e38, 3.4e38)},
      {"outlier", normal_values(count, 8, 1e-3)},
      {"negative outlier", normal_values(count, 9, 1e-3)},
      {"far from zero", uniform_values(count, 10, 1000, 1000.01)},
      {"mask", std::vector<float>(count, 0.0f)},
      {"extremes", std::vector<float>(count, -largest)},
      {"ties", {}},
      {"small integers", {}},
  };
  all[12].values[count / 2] = 1000;
  all[13].values[count - 1] = -1000;
  all[15].values[count / 3] = -largest;
  all[16].values[0] = largest;
  Random random(11);
  for (size_t i = 0; i < count; ++i) {
    all[17].values.push_back(static_cast<float>(static_cast<int>(i % 31) - 15) / 2);  // halves: quotients end in .5
    all[18].values.push_back(static_cast<float>(static_cast<int>(random.bits() % 15) - 7));
  }
  all[17].values[0] = 7;
  all[17].values[count - 1] = -8;
  return all;
}

inline bool fits_halves(const Family& family) {
  return family.name != "huge" && family.name != "mask" && family.name != "extremes";
}

inline std::vector<QuantSpec> all_specs() {
  std::vector<QuantSpec> specs;
  for (const DType type : {DType::kInt8, DType::kUint8, DType::kInt4, DType::kUint4}) {
    for (const CodeRange range : {CodeRange::kFull, CodeRange::kNarrow, CodeRange::k7Bit}) {
      if (range == CodeRange::k7Bit && bits_of(type) == 4) continue;
      for (const ScaleType scale : {ScaleType::kFloat32, ScaleType::kFloat16, ScaleType::kLog8}) {
        specs.push_back({type, Symmetry::kSymmetric, range, ZeroPointKind::kInteger, scale, "rtn"});
        specs.push_back({type, Symmetry::kAsymmetric, range, ZeroPointKind::kInteger, scale, "rtn"});
        specs.push_back({type, Symmetry::kAsymmetric, range, ZeroPointKind::kFloat, scale, "rtn"});
      }
    }
  }
  return specs;
}

inline std::string described(const QuantSpec& spec) {
  return std::string(name_of(spec.code_type)) + (spec.symmetry == Symmetry::kSymmetric ? " symmetric" : " asymmetric") +
         (spec.range == CodeRange::kFull     ? " full"
          : spec.range == CodeRange::kNarrow ? " narrow"
                                             : " 7bit") +
         (spec.zero_point == ZeroPointKind::kFloat ? " float zero" : "") + " " + std::string(name_of(spec.scale_type)) +
         " scales";
}

inline int code_of(const QuantSpec& spec, uint8_t byte) {
  if (spec.code_type == DType::kInt8) return static_cast<int8_t>(byte);
  if (spec.code_type == DType::kInt4) return byte >= 8 ? byte - 16 : byte;
  return byte;
}

// Calls fn(name) once for each instruction set that the processor has, with the kernels bound to it.
inline void for_each_instruction_set(const std::function<void(const std::string&)>& fn) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    fn(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace vetquant::test
