#include "vetquant/model/tensor_view.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "payload.h"
#include "regroup.h"
#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"

namespace vetquant {

namespace {

Shape row_major_strides(const Shape& shape) {
  Shape strides(shape.size());
  int64_t step = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

// The stored tensor in its own order, nothing left out.
bool is_plain(const Piece& piece, const Shape& shape) {
  if (piece.offset != 0 || piece.extent != shape || checked_elements(shape) != piece.stored->elements) return false;
  const Shape plain = row_major_strides(shape);
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] != 1 && piece.stride[d] != plain[d]) return false;
  }
  return true;
}

std::string describe_piece(const Piece& piece, const Shape& shape) {
  const std::string& address = piece.stored->address;
  if (is_plain(piece, piece.extent)) return address;
  const auto elements = checked_elements(piece.extent);
  if (elements != piece.stored->elements || piece.extent != shape) return "slice(" + address + ")";
  return "transpose(" + address + ")";
}

}  // namespace

TensorView::TensorView(std::shared_ptr<const StoredTensor> stored) : dtype_(stored->dtype), shape_(stored->shape) {
  if (stored->elements == 0) return;
  Piece piece;
  piece.start.assign(shape_.size(), 0);
  piece.extent = shape_;
  piece.stride = row_major_strides(shape_);
  piece.stored = std::move(stored);
  pieces_.push_back(std::move(piece));
}

uint64_t TensorView::elements() const { return checked_elements(shape_).value_or(0); }

bool TensorView::is_whole_tensor() const {
  return pieces_.size() == 1 && pieces_[0].stored->dtype == dtype_ && is_plain(pieces_[0], shape_);
}

std::string TensorView::describe() const {
  std::vector<std::string> parts;
  for (const auto& piece : pieces_) {
    std::string text = describe_piece(piece, shape_);
    if (parts.empty() || parts.back() != text) parts.push_back(std::move(text));
  }
  if (parts.empty()) return "empty";
  std::string text = parts[0];
  if (pieces_.size() > 1) {
    constexpr size_t kShown = 3;
    text = "concat(" + parts[0];
    for (size_t i = 1; i < std::min(parts.size(), kShown); ++i) text += ", " + parts[i];
    if (parts.size() > kShown) text += ", ... " + std::to_string(parts.size()) + " parts";
    text += ")";
  }
  const bool cast = pieces_[0].stored->dtype != dtype_;
  return cast ? std::string(name_of(dtype_)) + "(" + text + ")" : text;
}

TensorView TensorView::transposed(std::span<const int64_t> perm) const {
  if (perm.size() != shape_.size() || std::set<int64_t>(perm.begin(), perm.end()).size() != perm.size() ||
      std::any_of(perm.begin(), perm.end(),
                  [&](int64_t p) { return p < 0 || p >= static_cast<int64_t>(perm.size()); })) {
    throw Error(ErrorCode::kInternal, "a view of rank " + std::to_string(shape_.size()) + " cannot be permuted so");
  }
  const auto permuted = [&](const Shape& from) {
    Shape to(from.size());
    for (size_t d = 0; d < to.size(); ++d) to[d] = from[static_cast<size_t>(perm[d])];
    return to;
  };
  TensorView result = *this;
  result.shape_ = permuted(shape_);
  for (auto& piece : result.pieces_) {
    piece.start = permuted(piece.start);
    piece.extent = permuted(piece.extent);
    piece.stride = permuted(piece.stride);
  }
  return result;
}

std::optional<TensorView> TensorView::reshaped(const Shape& shape) const {
  const auto count = checked_elements(shape);
  if (!count || *count != elements()) return std::nullopt;
  TensorView result;
  result.dtype_ = dtype_;
  result.shape_ = shape;
  if (*count == 0) return result;
  const auto groups = regroup(shape_, shape);
  for (const auto& piece : pieces_) {
    auto reshaped = reshape_piece(piece, shape_, shape, groups);
    if (!reshaped) return std::nullopt;
    result.pieces_.push_back(std::move(*reshaped));
  }
  return result;
}

std::optional<TensorView> TensorView::sliced(int64_t axis, int64_t start, int64_t step, int64_t count) const {
  const auto rank = static_cast<int64_t>(shape_.size());
  if (axis < 0 || axis >= rank || step == 0 || count < 0) return std::nullopt;
  const auto d = static_cast<size_t>(axis);
  TensorView result;
  result.dtype_ = dtype_;
  result.shape_ = shape_;
  result.shape_[d] = count;
  if (count == 0) return result;
  // |step| above the dimension can only mean one element; this also keeps the products below small.
  if (count > shape_[d] || start < 0 || start >= shape_[d]) return std::nullopt;
  if (count > 1 && (step > shape_[d] || step < -shape_[d])) return std::nullopt;
  const int64_t last = count > 1 ? start + (count - 1) * step : start;
  if (last < 0 || last >= shape_[d]) return std::nullopt;
  const int64_t stride = count > 1 ? step : 1;
  for (const auto& piece : pieces_) {
    // The i for which begin <= start + i * stride < end.
    const int64_t begin = piece.start[d], end = piece.start[d] + piece.extent[d];
    const int64_t low = stride > 0 ? begin - start : start - (end - 1);
    const int64_t high = stride > 0 ? end - 1 - start : start - begin;
    const int64_t width = stride > 0 ? stride : -stride;
    if (high < 0) continue;
    const int64_t first = low <= 0 ? 0 : (low + width - 1) / width;
    const int64_t final = std::min(count - 1, high / width);
    if (first > final) continue;
    Piece part = piece;
    part.start[d] = first;
    part.extent[d] = final - first + 1;
    part.offset += (start + first * stride - begin) * piece.stride[d];
    part.stride[d] = piece.stride[d] * stride;
    result.pieces_.push_back(std::move(part));
  }
  return result;
}

std::optional<TensorView> TensorView::concatenated(std::span<const TensorView> parts, int64_t axis) {
  if (parts.empty() || axis < 0 || axis >= static_cast<int64_t>(parts[0].shape_.size())) return std::nullopt;
  const auto d = static_cast<size_t>(axis);
  TensorView result;
  result.dtype_ = parts[0].dtype_;
  result.shape_ = parts[0].shape_;
  result.shape_[d] = 0;
  for (const auto& part : parts) {
    Shape expected = result.shape_;
    if (part.shape_.size() != expected.size() || part.dtype_ != result.dtype_) return std::nullopt;
    expected[d] = part.shape_[d];
    if (expected != part.shape_) return std::nullopt;
    for (Piece piece : part.pieces_) {
      piece.start[d] += result.shape_[d];
      result.pieces_.push_back(std::move(piece));
    }
    const auto sum = checked_add(static_cast<uint64_t>(result.shape_[d]), static_cast<uint64_t>(part.shape_[d]));
    if (!sum || *sum > (1ull << 62)) return std::nullopt;
    result.shape_[d] = static_cast<int64_t>(*sum);
  }
  if (!checked_elements(result.shape_)) return std::nullopt;
  return result;
}

TensorView TensorView::cast(DType dtype) const {
  if (!is_float(dtype_) || !is_float(dtype)) {
    throw Error(ErrorCode::kInternal, "only views of float types can be cast", describe());
  }
  TensorView result = *this;
  result.dtype_ = dtype;
  return result;
}

bool TensorView::same_data(const TensorView& other) const {
  if (dtype_ != other.dtype_ || shape_ != other.shape_ || pieces_.size() != other.pieces_.size()) return false;
  return std::equal(pieces_.begin(), pieces_.end(), other.pieces_.begin(), [](const Piece& a, const Piece& b) {
    return a.stored->dtype == b.stored->dtype && a.start == b.start && a.extent == b.extent && a.offset == b.offset &&
           a.stride == b.stride && a.stored->source->same_place(*b.stored->source);
  });
}

Box Box::whole(const TensorView& view) { return {Shape(view.shape().size(), 0), view.shape()}; }

uint64_t Box::elements() const { return checked_elements(extent).value_or(0); }

}  // namespace vetquant
