#include <algorithm>
#include <array>
#include <cstring>

#include "gather.h"
#include "payload.h"
#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"
#include "vetquant/core/half.h"
#include "vetquant/model/tensor_view.h"

namespace vetquant {

namespace {

constexpr uint64_t kConvertElements = 16 * 1024;

void check_box(const TensorView& view, const Box& box, size_t out_elements) {
  const Shape& shape = view.shape();
  bool inside = box.start.size() == shape.size() && box.extent.size() == shape.size();
  for (size_t d = 0; inside && d < shape.size(); ++d) {
    inside = box.start[d] >= 0 && box.extent[d] >= 0 && box.extent[d] <= shape[d] &&
             box.start[d] <= shape[d] - box.extent[d];
  }
  if (!inside) throw Error(ErrorCode::kInternal, "a box lies outside its tensor", view.describe());
  if (out_elements != box.elements())
    throw Error(ErrorCode::kInternal, "a box does not fit its buffer", view.describe());
}

// What of a piece lies in the box; false where nothing does.
bool intersect(const Piece& piece, const Box& box, std::vector<GatherDim>& dims, int64_t& source, int64_t& target) {
  dims.clear();
  source = piece.offset;
  target = 0;
  int64_t step = 1;
  for (size_t d = box.extent.size(); d-- > 0;) {
    const int64_t begin = std::max(piece.start[d], box.start[d]);
    const int64_t end = std::min(piece.start[d] + piece.extent[d], box.start[d] + box.extent[d]);
    if (begin >= end) return false;
    source += (begin - piece.start[d]) * piece.stride[d];
    target += (begin - box.start[d]) * step;
    dims.push_back({end - begin, piece.stride[d], step});
    step *= box.extent[d];
  }
  return true;
}

// Calls load(stored, first, count, T*) for the runs of the box.
template <class T, class Load>
void read_box(const TensorView& view, const Box& box, std::span<T> out, const Load& load) {
  check_box(view, box, out.size());
  if (out.empty()) return;
  std::vector<GatherDim> dims;
  for (const Piece& piece : view.pieces()) {
    int64_t source = 0, target = 0;
    if (!intersect(piece, box, dims, source, target)) continue;
    for (const auto& plan : plan_gather(dims, source, std::max(bits_of(piece.stored->dtype) / 8, 1))) {
      gather<T>(
          plan, [&](uint64_t first, uint64_t count, T* to) { load(*piece.stored, first, count, to); },
          out.data() + target);
    }
  }
}

template <class T>
void load_as(const PayloadSource& source, uint64_t first, std::span<T> out) {
  source.read(first * sizeof(T), std::as_writable_bytes(out));
}

// Loads in steps through a buffer of another type.
template <class From, class To, class Convert>
void load_converted(const PayloadSource& source, uint64_t first, uint64_t count, To* to, const Convert& convert) {
  std::vector<From> buffer(std::min(count, kConvertElements));
  for (uint64_t done = 0; done < count;) {
    const uint64_t now = std::min(count - done, kConvertElements);
    const auto part = std::span(buffer).first(now);
    load_as<From>(source, first + done, part);
    convert(std::span<const From>(part), std::span<To>(to + done, now));
    done += now;
  }
}

void load_floats(const StoredTensor& stored, uint64_t first, uint64_t count, float* to) {
  const PayloadSource& source = *stored.source;
  switch (stored.dtype) {
    case DType::kFloat32:
      return load_as<float>(source, first, {to, count});
    case DType::kFloat16:
      return load_converted<uint16_t>(source, first, count, to, halves_to_floats);
    case DType::kBfloat16:
      return load_converted<uint16_t>(source, first, count, to, bfloat16s_to_floats);
    case DType::kFloat64:
      return load_converted<double>(source, first, count, to, [](std::span<const double> from, std::span<float> out) {
        std::transform(from.begin(), from.end(), out.begin(), [](double value) { return static_cast<float>(value); });
      });
    default:
      throw Error(ErrorCode::kInternal, "holds " + std::string(name_of(stored.dtype)) + ", no float type",
                  stored.address);
  }
}

void round_to(DType dtype, std::span<float> values) {
  std::array<uint16_t, 4096> halves;
  for (size_t done = 0; done < values.size();) {
    const size_t now = std::min(values.size() - done, halves.size());
    const auto part = values.subspan(done, now);
    const auto bits = std::span(halves).first(now);
    if (dtype == DType::kFloat16) {
      floats_to_halves(part, Overflow::kInfinity, bits);
      halves_to_floats(bits, part);
    } else {
      floats_to_bfloat16s(part, Overflow::kInfinity, bits);
      bfloat16s_to_floats(bits, part);
    }
    done += now;
  }
}

template <class From>
void load_ints(const PayloadSource& source, uint64_t first, uint64_t count, int64_t* to) {
  load_converted<From>(source, first, count, to, [](std::span<const From> from, std::span<int64_t> out) {
    std::transform(from.begin(), from.end(), out.begin(), [](From value) { return static_cast<int64_t>(value); });
  });
}

void load_packed_ints(const StoredTensor& stored, uint64_t first, uint64_t count, int64_t* to) {
  const auto bits = static_cast<uint64_t>(bits_of(stored.dtype));
  const uint64_t per_byte = 8 / bits;
  const bool is_signed = stored.dtype == DType::kInt4 || stored.dtype == DType::kInt2;
  const int64_t sign = 1ll << (bits - 1), mask = (1ll << bits) - 1;
  std::vector<uint8_t> buffer;
  for (uint64_t done = 0; done < count;) {
    const uint64_t now = std::min(count - done, kConvertElements);
    const uint64_t begin = (first + done) / per_byte, end = (first + done + now + per_byte - 1) / per_byte;
    buffer.resize(end - begin);
    load_as<uint8_t>(*stored.source, begin, std::span(buffer));
    for (uint64_t i = 0; i < now; ++i) {
      const uint64_t at = first + done + i;
      const int64_t value = (buffer[at / per_byte - begin] >> ((at % per_byte) * bits)) & mask;
      to[done + i] = is_signed && (value & sign) != 0 ? value - (sign << 1) : value;
    }
    done += now;
  }
}

void load_int64s(const StoredTensor& stored, uint64_t first, uint64_t count, int64_t* to) {
  const PayloadSource& source = *stored.source;
  switch (stored.dtype) {
    case DType::kInt64:
      return load_as<int64_t>(source, first, {to, count});
    case DType::kUint64:
      return load_ints<uint64_t>(source, first, count, to);
    case DType::kInt32:
      return load_ints<int32_t>(source, first, count, to);
    case DType::kUint32:
      return load_ints<uint32_t>(source, first, count, to);
    case DType::kInt16:
      return load_ints<int16_t>(source, first, count, to);
    case DType::kUint16:
      return load_ints<uint16_t>(source, first, count, to);
    case DType::kInt8:
      return load_ints<int8_t>(source, first, count, to);
    case DType::kUint8:
    case DType::kBool:
      return load_ints<uint8_t>(source, first, count, to);
    case DType::kInt4:
    case DType::kUint4:
    case DType::kInt2:
    case DType::kUint2:
      return load_packed_ints(stored, first, count, to);
    default:
      throw Error(ErrorCode::kInternal, "holds " + std::string(name_of(stored.dtype)) + ", no integer type",
                  stored.address);
  }
}

}  // namespace

void read_floats(const TensorView& view, const Box& box, std::span<float> out) {
  read_box<float>(view, box, out, [&](const StoredTensor& stored, uint64_t first, uint64_t count, float* to) {
    load_floats(stored, first, count, to);
    const bool rounds = view.dtype() == DType::kFloat16 || view.dtype() == DType::kBfloat16;
    if (rounds && stored.dtype != view.dtype()) round_to(view.dtype(), {to, count});
  });
}

void read_int64s(const TensorView& view, const Box& box, std::span<int64_t> out) {
  read_box<int64_t>(view, box, out, load_int64s);
}

namespace {

// Cuts elements [first, first + count) of the row-major order into boxes: at most two per dimension.
template <class Visit>
void visit_boxes(const Shape& shape, uint64_t first, uint64_t count, const Visit& visit) {
  for (uint64_t done = 0; done < count;) {
    const uint64_t at = first + done, left = count - done;
    Box box{Shape(shape.size(), 0), Shape(shape.size(), 1)};
    uint64_t inner = 1, taken = 1;
    bool growing = true;
    for (size_t d = shape.size(); d-- > 0;) {
      const auto dim = static_cast<uint64_t>(shape[d]);
      const uint64_t coordinate = at / inner % dim;
      box.start[d] = static_cast<int64_t>(coordinate);
      if (growing) {
        const uint64_t extent = std::min(left / inner, dim - coordinate);
        if (extent > 0) {
          box.extent[d] = static_cast<int64_t>(extent);
          taken = inner * extent;
        }
        growing = extent == dim;
      }
      inner *= dim;
    }
    visit(box, done, taken);
    done += taken;
  }
}

template <class T>
void read_raw_elements(const TensorView& view, uint64_t first, std::span<std::byte> out) {
  std::vector<T> tile;
  visit_boxes(view.shape(), first, out.size() / sizeof(T), [&](const Box& box, uint64_t done, uint64_t count) {
    tile.resize(count);
    read_box<T>(view, box, std::span(tile), [](const StoredTensor& stored, uint64_t begin, uint64_t n, T* to) {
      load_as<T>(*stored.source, begin, {to, n});
    });
    std::memcpy(out.data() + done * sizeof(T), tile.data(), count * sizeof(T));
  });
}

// Views behind a Cast: through float.
void read_raw_cast(const TensorView& view, uint64_t first, uint64_t count, std::span<std::byte> out) {
  std::vector<float> tile;
  visit_boxes(view.shape(), first, count, [&](const Box& box, uint64_t done, uint64_t n) {
    tile.resize(n);
    read_floats(view, box, tile);
    std::byte* to = out.data() + done * static_cast<uint64_t>(bits_of(view.dtype())) / 8;
    if (view.dtype() == DType::kFloat32) {
      std::memcpy(to, tile.data(), n * sizeof(float));
    } else if (view.dtype() == DType::kFloat64) {
      const std::vector<double> wide(tile.begin(), tile.end());
      std::memcpy(to, wide.data(), n * sizeof(double));
    } else {
      std::vector<uint16_t> halves(n);
      if (view.dtype() == DType::kFloat16) {
        floats_to_halves(tile, Overflow::kInfinity, halves);
      } else {
        floats_to_bfloat16s(tile, Overflow::kInfinity, halves);
      }
      std::memcpy(to, halves.data(), n * sizeof(uint16_t));
    }
  });
}

void read_raw_packed(const TensorView& view, uint64_t first, uint64_t count, std::span<std::byte> out) {
  const auto bits = static_cast<uint64_t>(bits_of(view.dtype()));
  const uint64_t per_byte = 8 / bits;
  if (first % per_byte != 0) throw Error(ErrorCode::kInternal, "a raw read begins inside a byte", view.describe());
  std::fill(out.begin(), out.end(), std::byte{0});
  std::vector<int64_t> tile;
  visit_boxes(view.shape(), first, count, [&](const Box& box, uint64_t done, uint64_t n) {
    tile.resize(n);
    read_int64s(view, box, tile);
    for (uint64_t i = 0; i < n; ++i) {
      const auto code = static_cast<uint8_t>(tile[i] & ((1 << bits) - 1));
      out[(done + i) / per_byte] |= static_cast<std::byte>(code << ((done + i) % per_byte * bits));
    }
  });
}

}  // namespace

void read_raw(const TensorView& view, uint64_t first, uint64_t count, std::span<std::byte> out) {
  const auto total = view.elements();
  const auto bits = static_cast<uint64_t>(bits_of(view.dtype()));
  if (bits == 0 || first > total || count > total - first || out.size() != bytes_of(view.dtype(), count)) {
    throw Error(ErrorCode::kInternal, "a raw read lies outside its tensor or does not fit its buffer", view.describe());
  }
  if (count == 0) return;
  if (view.is_whole_tensor() && first * bits % 8 == 0)
    return view.pieces()[0].stored->source->read(first * bits / 8, out);
  const bool cast = std::any_of(view.pieces().begin(), view.pieces().end(),
                                [&](const Piece& piece) { return piece.stored->dtype != view.dtype(); });
  if (cast) return read_raw_cast(view, first, count, out);
  switch (bits) {
    case 8:
      return read_raw_elements<uint8_t>(view, first, out);
    case 16:
      return read_raw_elements<uint16_t>(view, first, out);
    case 32:
      return read_raw_elements<uint32_t>(view, first, out);
    case 64:
      return read_raw_elements<uint64_t>(view, first, out);
    case 128:
      return read_raw_elements<std::array<uint64_t, 2>>(view, first, out);
    default:
      return read_raw_packed(view, first, count, out);
  }
}

}  // namespace vetquant
