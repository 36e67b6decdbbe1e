#include "layout.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

namespace vetquant::plan {
namespace {

constexpr int64_t kLeastBlock = 16, kUsualLeastBlock = 32, kLargestSuggestion = 256;

std::vector<int> all_but(int rank, int left_out) {
  std::vector<int> axes;
  for (int axis = 0; axis < rank; ++axis) {
    if (axis != left_out) axes.push_back(axis);
  }
  return axes;
}

// The first axis that has more than one index and is not the last; one scale for all where there is none.
Axes axes_of_unknown(const Shape& shape) {
  const int rank = static_cast<int>(shape.size());
  Axes axes;
  axes.reduction = rank - 1;
  for (int axis = 0; axis + 1 < rank; ++axis) {
    if (shape[static_cast<size_t>(axis)] > 1) {
      axes.channels = {axis};
      break;
    }
  }
  return axes;
}

bool is_block_form(Form form) { return form == Form::kMatMulNBits || form == Form::kGatherBlock; }

int swapped_axis(int axis, int rank) { return axis == rank - 1 ? rank - 2 : axis == rank - 2 ? rank - 1 : axis; }

bool wants_swap(Form form, const Site& site, const onnx::NodeProto& node) {
  const bool transposed_b = site.kind == SiteKind::kGemmB && int_attribute(node, "transB", 0) != 0;
  switch (form) {
    case Form::kMatMulNBits:
      return !transposed_b;  // [K, N] -> [N, K]
    case Form::kDynamicInteger:
      return transposed_b;  // [N, K] -> [K, N]
    case Form::kDynamicLstm:
      return true;  // [D, 4H, I] -> [D, I, 4H]
    default:
      return false;
  }
}

// Of one row. MatMulNBits stores whole blocks, a look-up only what there is.
uint64_t block_bytes(int64_t length, int64_t block, const PlaceRequest& request) {
  const uint64_t blocks = static_cast<uint64_t>((length + block - 1) / block);
  const uint64_t codes =
      request.form == Form::kMatMulNBits ? blocks * static_cast<uint64_t>(block) : static_cast<uint64_t>(length);
  return codes * static_cast<uint64_t>(request.bits) / 8 + blocks * static_cast<uint64_t>(request.scale_bytes);
}

bool allowed_by(const std::vector<int64_t>& allowed, int64_t block) {
  return allowed.empty() || std::find(allowed.begin(), allowed.end(), block) != allowed.end();
}

struct BlockChoice {
  std::optional<Obstacle> obstacle;
  int64_t block = 0;  // 0: no block fits
  std::string adapted;
};

BlockChoice refuse(std::string text) {
  return {.obstacle = Obstacle{std::move(text), ErrorCode::kUsage}, .block = 0, .adapted = {}};
}

// Kernels that read codes by block: powers of two; a last block may be short.
BlockChoice kernel_block(const PlaceRequest& request, int64_t length) {
  const Wish& wish = *request.wish;
  const int64_t wished = wish.use.block.value_or(request.bits == 4 ? 32 : 128);
  const auto fits = [&](int64_t block) { return is_block_power(block) && allowed_by(*request.allowed, block); };
  if (wish.block_hard) {
    if (fits(wished)) return {.obstacle = {}, .block = wished, .adapted = {}};
    if (!is_block_power(wished)) {
      return refuse("block " + std::to_string(wished) + " is no power of two from 16 on; use " +
                    fitting_blocks(length));
    }
    return refuse("the target's kernels take no block of " + std::to_string(wished) + "; use " +
                  fitting_blocks(length));
  }
  // The block that takes the least bytes; small ones cost speed, so below 32 only where the wish is.
  int64_t best = 0;
  const auto bytes = [&](int64_t block) { return block_bytes(length, block, request); };
  for (int64_t block = std::min(kUsualLeastBlock, std::max(wished, kLeastBlock));
       block <= std::max(wished, kLeastBlock); block *= 2) {
    if (is_block_power(block) && fits(block) && (best == 0 || bytes(block) <= bytes(best))) best = block;
  }
  if (best == 0)
    return {.obstacle = Obstacle{"the target's kernels take no block up to " + std::to_string(wished)},
            .block = 0,
            .adapted = {}};
  BlockChoice choice{.obstacle = {}, .block = best, .adapted = {}};
  if (best != wished)
    choice.adapted = "block " + std::to_string(best) + ", which fits " + std::to_string(length) + " better than " +
                     std::to_string(wished);
  return choice;
}

// Blocks that are unfolded by Reshape: they divide the axis.
BlockChoice dividing_block(const PlaceRequest& request, int64_t length) {
  const Wish& wish = *request.wish;
  const int64_t wished = wish.use.block.value_or(32);
  if (length > 0 && length % wished == 0 && allowed_by(*request.allowed, wished))
    return {.obstacle = {}, .block = wished, .adapted = {}};
  if (wish.block_hard) {
    return refuse("block " + std::to_string(wished) + " does not divide " + std::to_string(length) + "; use " +
                  fitting_blocks(length));
  }
  for (int64_t block = std::min(wished, length); block >= kLeastBlock; --block) {
    if (length % block == 0 && allowed_by(*request.allowed, block)) {
      return {.obstacle = {},
              .block = block,
              .adapted = "block " + std::to_string(block) + ", as " + std::to_string(wished) + " does not divide " +
                         std::to_string(length)};
    }
  }
  return {
      .obstacle = {}, .block = 0, .adapted = "one scale per channel, as no block divides " + std::to_string(length)};
}

BlockChoice choose_block(const PlaceRequest& request, const Axes& axes) {
  const Wish& wish = *request.wish;
  const Granularity granularity =
      wish.use.granularity.value_or(is_block_form(request.form) ? Granularity::kBlock : Granularity::kChannel);
  const bool can_block =
      is_block_form(request.form) || request.form == Form::kFoldAtLoad || request.form == Form::kDequantize;
  if (is_block_form(request.form)) {
    if (granularity != Granularity::kBlock && wish.granularity_hard) {
      return {.obstacle = Obstacle{"this form has scales by block, the policy asks for one per " +
                                   std::string(granularity == Granularity::kTensor ? "tensor" : "channel")},
              .block = 0,
              .adapted = {}};
    }
    const int64_t length = axes.reduction < 0 ? 0 : request.site->view.shape()[static_cast<size_t>(axes.reduction)];
    return kernel_block(request, length);
  }
  if (granularity != Granularity::kBlock) return {};
  if (!can_block || axes.reduction < 0) {
    if (wish.block_hard)
      return {.obstacle = Obstacle{"this form has one scale per channel, the policy asks for blocks"},
              .block = 0,
              .adapted = {}};
    return {.obstacle = {}, .block = 0, .adapted = "one scale per channel"};
  }
  return dividing_block(request, request.site->view.shape()[static_cast<size_t>(axes.reduction)]);
}

// One axis of channels, or blocks with every other axis in full.
bool fit_dequantize(Axes& axes, const Shape& shape, int64_t block) {
  if (block > 0) {
    axes.channels = all_but(static_cast<int>(shape.size()), axes.reduction);
    return true;
  }
  if (axes.channels.size() < 2) return true;
  std::erase_if(axes.channels, [&](int axis) { return shape[static_cast<size_t>(axis)] == 1; });
  return axes.channels.size() < 2;
}

}  // namespace

bool is_block_power(int64_t block) { return block >= kLeastBlock && (block & (block - 1)) == 0; }

std::string fitting_blocks(int64_t length) {
  std::vector<std::string> fitting;
  for (int64_t block = kLeastBlock; block <= kLargestSuggestion; block *= 2) {
    if (length > 0 && length % block == 0) fitting.push_back(std::to_string(block));
  }
  if (fitting.empty()) return "granularity channel";
  std::string text;
  for (size_t i = 0; i < fitting.size(); ++i)
    text += (i == 0 ? "" : i + 1 == fitting.size() ? " or " : ", ") + fitting[i];
  return text;
}

Axes axes_of(const Site& site, const onnx::NodeProto& node) {
  const Shape& shape = site.view.shape();
  const int rank = static_cast<int>(shape.size());
  switch (site.kind) {
    case SiteKind::kMatMulB:
    case SiteKind::kMatMulBatchedB:
      return {all_but(rank, rank - 2), rank - 2};
    case SiteKind::kMatMulA:
      return {all_but(rank, rank - 1), rank - 1};
    case SiteKind::kGemmB:
      return int_attribute(node, "transB", 0) != 0 ? Axes{{0}, 1} : Axes{{1}, 0};
    case SiteKind::kGemmA:
      return int_attribute(node, "transA", 0) != 0 ? Axes{{1}, 0} : Axes{{0}, 1};
    case SiteKind::kTable:
      return {{0}, 1};
    case SiteKind::kConv:
      return {{0}, 1};
    case SiteKind::kConvTranspose:
      return {{1}, 0};
    case SiteKind::kLstmWeight:
    case SiteKind::kRecurrentWeight:
      return {{0, 1}, 2};
    case SiteKind::kGather: {
      int64_t axis = int_attribute(node, "axis", 0);
      if (axis < 0) axis += rank;
      if (axis < 0 || axis >= rank) return axes_of_unknown(shape);
      return {{static_cast<int>(axis)}, axis == rank - 1 ? -1 : rank - 1};
    }
    case SiteKind::kOther:
      return axes_of_unknown(shape);
  }
  return axes_of_unknown(shape);
}

Placed place(const PlaceRequest& request) {
  const Site& site = *request.site;
  const Use& use = request.wish->use;
  const int rank = static_cast<int>(site.view.shape().size());
  Axes axes = axes_of(site, *request.node);
  Placed placed;
  if (use.axis) {
    const int64_t axis = *use.axis < 0 ? *use.axis + rank : *use.axis;
    if (axis < 0 || axis >= rank) {
      placed.obstacle =
          Obstacle{"axis " + std::to_string(*use.axis) + " is none of a tensor of rank " + std::to_string(rank),
                   ErrorCode::kUsage};
      return placed;
    }
    const bool free_choice = request.form == Form::kFoldAtLoad || request.form == Form::kDequantize;
    if (!free_choice && axes.channels != std::vector<int>{static_cast<int>(axis)}) {
      placed.obstacle = Obstacle{"this form has its channels on another axis than " + std::to_string(*use.axis)};
      return placed;
    }
    axes.channels = {static_cast<int>(axis)};
    if (axes.reduction == axis) axes.reduction = -1;
  }
  const BlockChoice block = choose_block(request, axes);
  if ((request.form == Form::kDequantize || request.form == Form::kQdq) &&
      !fit_dequantize(axes, site.view.shape(), block.block)) {
    placed.obstacle =
        Obstacle{"DequantizeLinear takes the channels of one axis, this weight has several; use form fold_at_load"};
    return placed;
  }
  placed.adapted = block.adapted;
  placed.obstacle = block.obstacle;
  if (placed.obstacle) return placed;
  if (use.granularity == Granularity::kTensor && block.block == 0) {
    axes.channels.clear();
    if (request.form == Form::kDynamicLstm) axes.channels = {0};
    if (request.form == Form::kGatherRows) {
      placed.obstacle = Obstacle{"this form has one scale per row, the policy asks for one per tensor"};
      return placed;
    }
  }
  Placement& placement = placed.placement;
  placement.swap = wants_swap(request.form, site, *request.node);
  for (int axis : axes.channels)
    placement.layout.channel_axes.push_back(placement.swap ? swapped_axis(axis, rank) : axis);
  std::sort(placement.layout.channel_axes.begin(), placement.layout.channel_axes.end());
  if (block.block > 0) {
    placement.layout.block_axis = placement.swap ? swapped_axis(axes.reduction, rank) : axes.reduction;
    placement.layout.block_size = block.block;
  }
  return placed;
}

Shape stored_shape(const Site& site, const Placement& placement) {
  Shape shape = site.view.shape();
  if (placement.swap) std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return shape;
}

}  // namespace vetquant::plan
