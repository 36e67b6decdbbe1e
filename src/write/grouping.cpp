#include "grouping.h"

#include <algorithm>
#include <cstring>

namespace vetquant {

Grouping::Grouping(const Shape& extent, const ScaleLayout& layout) {
  std::vector<Axis> positions;
  std::vector<int64_t> strides(extent.size(), 1);
  for (size_t d = extent.size(); d-- > 1;) strides[d - 1] = strides[d] * extent[d];
  for (size_t d = 0; d < extent.size(); ++d) {
    const int axis = static_cast<int>(d);
    if (axis == layout.block_axis) {
      const int64_t block = std::min(layout.block_size, extent[d]);
      axes_.push_back({block > 0 ? extent[d] / block : 0, strides[d] * block});
      positions.push_back({block, strides[d]});
    } else if (std::find(layout.channel_axes.begin(), layout.channel_axes.end(), axis) != layout.channel_axes.end()) {
      axes_.push_back({extent[d], strides[d]});
    } else {
      positions.push_back({extent[d], strides[d]});
    }
  }
  for (const Axis& axis : axes_) groups_ *= axis.extent;
  for (const Axis& axis : positions) length_ *= axis.extent;
  axes_.insert(axes_.end(), positions.begin(), positions.end());
  int64_t expected = 1;
  identity_ = true;
  for (size_t i = axes_.size(); i-- > 0;) {
    if (axes_[i].extent != 1 && axes_[i].stride != expected) identity_ = false;
    expected *= axes_[i].extent;
  }
}

// Calls move(run begin in grouped order, offset in the box, count, stride) for each run along the innermost axis.
template <class Move>
void Grouping::walk(const Move& move) const {
  if (groups_ * length_ == 0) return;
  if (axes_.empty()) {
    move(0, 0, 1, 1);
    return;
  }
  const Axis inner = axes_.back();
  std::vector<int64_t> index(axes_.size() - 1, 0);
  int64_t box = 0;
  for (int64_t at = 0; at < groups_ * length_; at += inner.extent) {
    move(at, box, inner.extent, inner.stride);
    for (size_t d = index.size(); d-- > 0;) {
      box += axes_[d].stride;
      if (++index[d] < axes_[d].extent) break;
      box -= axes_[d].stride * axes_[d].extent;
      index[d] = 0;
    }
  }
}

template <class T>
void Grouping::gather(const T* box, T* grouped) const {
  if (identity_) {
    std::memcpy(grouped, box, static_cast<size_t>(groups_ * length_) * sizeof(T));
    return;
  }
  walk([&](int64_t at, int64_t from, int64_t count, int64_t stride) {
    for (int64_t i = 0; i < count; ++i) grouped[at + i] = box[from + i * stride];
  });
}

template <class T>
void Grouping::scatter(const T* grouped, T* box) const {
  if (identity_) {
    std::memcpy(box, grouped, static_cast<size_t>(groups_ * length_) * sizeof(T));
    return;
  }
  walk([&](int64_t at, int64_t to, int64_t count, int64_t stride) {
    for (int64_t i = 0; i < count; ++i) box[to + i * stride] = grouped[at + i];
  });
}

template void Grouping::gather<float>(const float*, float*) const;
template void Grouping::scatter<float>(const float*, float*) const;
template void Grouping::scatter<uint8_t>(const uint8_t*, uint8_t*) const;

}  // namespace vetquant
