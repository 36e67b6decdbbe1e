// The two orders of a box of values: row-major as stored, and [groups, length] as quantizers see it.
//
// A group holds the values that share one scale. Along each axis an index either selects the group (channel axis), selects
// the position within the group (reduced axis), or both (block axis: index / block_size, index % block_size).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vetquant/model/tensor_view.h"
#include "vetquant/plan/plan.h"

namespace vetquant {

class Grouping {
 public:
  // `extent`: of the box. Along a block axis the box holds whole blocks only, or a part of one (the ragged last block).
  Grouping(const Shape& extent, const ScaleLayout& layout);

  int64_t groups() const { return groups_; }
  int64_t length() const { return length_; }
  bool is_identity() const { return identity_; }

  template <class T>
  void gather(const T* box, T* grouped) const;  // box order to [groups, length]
  template <class T>
  void scatter(const T* grouped, T* box) const;  // and back

 private:
  struct Axis {
    int64_t extent, stride;
  };
  template <class Move>
  void walk(const Move& move) const;

  std::vector<Axis> axes_;  // group axes, then position axes; strides in the box
  int64_t groups_ = 1, length_ = 1;
  bool identity_ = false;
};

}  // namespace vetquant
