// How the usual exporters name what a decoder remembers: past_key_values.N.* (or past_N) in, present.* out.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "vetquant/runtime/tensor.h"

namespace vetquant {

inline bool is_cache(const std::string& input) { return input.starts_with("past"); }

// The output whose values a cache's input gets at the next step.
inline std::string present_of(const std::string& input) {
  for (const std::string past : {"past_key_values", "past"}) {
    if (input.starts_with(past)) return "present" + input.substr(past.size());
  }
  return input;
}

// nullptr where there is none.
inline const TensorInfo* info_called(const std::vector<TensorInfo>& infos, const std::string& name) {
  const auto found = std::find_if(infos.begin(), infos.end(), [&](const auto& info) { return info.name == name; });
  return found == infos.end() ? nullptr : &*found;
}

}  // namespace vetquant
