// A constant tensor, looked at where it lies: in the model file, in an external file, or (up to 1 KiB) in the skeleton.
//
// A StoredTensor is one TensorProto (or Constant attribute). A TensorView is what a node sees of it, after any chain of
// Identity, Transpose, Reshape, Squeeze, Unsqueeze, Slice, Concat and Cast of constants: shape + element type + the boxes
// ("pieces") of stored tensors that fill it. Making a view moves no data; TensorReader reads boxes of it by tile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vetquant/core/dtype.h"
#include "vetquant/model/types.h"

namespace vetquant {

class PayloadSource;  // where the bytes lie and how they are coded; src/model

struct StoredTensor {
  std::string address;  // "/decode_if/then_branch/fc1.weight", unique in the model
  DType dtype = DType::kUndefined;
  Shape shape;
  uint64_t elements = 0;
  uint64_t stored_bytes = 0;  // that the tensor occupies in its file(s)
  std::shared_ptr<const PayloadSource> source;
};

// One box of a view that comes from one stored tensor by a strided map:
//   view[start + i] = stored.flat[offset + sum_d i_d * stride_d]   for 0 <= i_d < extent_d      (all in elements)
struct Piece {
  std::shared_ptr<const StoredTensor> stored;
  Shape start, extent;  // in view coordinates
  int64_t offset = 0;
  Shape stride;
};

class TensorView {
 public:
  TensorView() = default;
  explicit TensorView(std::shared_ptr<const StoredTensor> stored);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  uint64_t elements() const;
  const std::vector<Piece>& pieces() const { return pieces_; }
  bool is_whole_tensor() const;  // one piece that is a stored tensor in its own order and type: bytes can be copied
  std::string describe() const;  // "fc1.weight", "transpose(embed.weight)", "concat(W, R)"

  // Each returns nullopt where the result is not expressible (Reshape of a transposed or pieced view, ...).
  TensorView transposed(std::span<const int64_t> perm) const;
  std::optional<TensorView> reshaped(const Shape& shape) const;
  std::optional<TensorView> sliced(int64_t axis, int64_t start, int64_t step, int64_t count) const;
  static std::optional<TensorView> concatenated(std::span<const TensorView> parts, int64_t axis);
  TensorView cast(DType dtype) const;  // float types only (a widening or rounding read)

  bool same_data(const TensorView& other) const;  // the same stored elements in the same order and type

 private:
  DType dtype_ = DType::kUndefined;
  Shape shape_;
  std::vector<Piece> pieces_;
};

// A box of a view: [start, start + extent) in each dimension.
struct Box {
  Shape start, extent;
  static Box whole(const TensorView& view);
  uint64_t elements() const;
};

// Reads boxes; thread-safe. Row-major in the box's own dimensions. Errors: kIo (changed while read), kBadModel.
void read_floats(const TensorView& view, const Box& box, std::span<float> out);    // fp16, bf16, fp64 are converted
void read_int64s(const TensorView& view, const Box& box, std::span<int64_t> out);  // integer and bool types
// Raw little-endian bytes of elements [first, first + count) in row-major order of the whole view, in view.dtype().
// 4-bit types: first must be even.
void read_raw(const TensorView& view, uint64_t first, uint64_t count, std::span<std::byte> out);

}  // namespace vetquant
