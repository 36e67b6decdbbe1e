// How codes lie and which of them share a scale: orientation, channel axes and blocks of each form.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "match.h"
#include "site.h"
#include "vetquant/core/error.h"

namespace vetquant::plan {

// Why something cannot be done, and as which kind of error it counts where it must be done.
struct Obstacle {
  std::string text;
  ErrorCode code = ErrorCode::kUnsupported;
};

// As the node sees the weight: the axes that have a scale for each index, and the axis that is summed over (-1: none).
struct Axes {
  std::vector<int> channels;
  int reduction = -1;
};
Axes axes_of(const Site& site, const onnx::NodeProto& node);

struct Placed {
  std::optional<Obstacle> obstacle;
  Placement placement;
  std::string
      adapted;  // what was done differently than asked, for the reason: "block 64, as 192 is no multiple of 128"
};
// `allowed`: block sizes of the target, empty for any. `bits`: of a code. `scale_bytes`: of one scale.
struct PlaceRequest {
  Form form = Form::kKeep;
  const Site* site = nullptr;
  const onnx::NodeProto* node = nullptr;
  const Wish* wish = nullptr;
  const std::vector<int64_t>* allowed = nullptr;
  int bits = 8;
  int scale_bytes = 4;
};
Placed place(const PlaceRequest& request);

Shape stored_shape(const Site& site, const Placement& placement);
bool is_block_power(int64_t block);          // 16, 32, 64 ...: what the block kernels take
std::string fitting_blocks(int64_t length);  // "16, 32 or 64": those that divide

}  // namespace vetquant::plan
