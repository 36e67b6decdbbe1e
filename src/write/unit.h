// What fills extents: one Unit for each quantization job, half tensor, copied tensor and run of literals.
//
// A unit is worked in tasks that may run on any thread in any order, in two steps: all fit tasks (scales that need a look at
// the whole tensor), then all run tasks. How a unit is cut into tasks depends on the tile size alone, never on threads, so
// neither bytes nor measured figures depend on them. A task owns its buffers: at most a few tiles.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "scratch.h"
#include "vetquant/core/output_file.h"
#include "vetquant/emit/emitted.h"
#include "vetquant/quant/algorithm.h"
#include "vetquant/quant/distortion.h"
#include "vetquant/write/write.h"

namespace vetquant {

// A byte range of an output file.
struct Extent {
  OutputFile* file = nullptr;
  uint64_t offset = 0, bytes = 0;
  explicit operator bool() const { return file != nullptr; }
  void write(uint64_t at, std::span<const std::byte> data) const;  // Error{kInternal} beyond the extent
  // Starts what is worth a call of its own on its way to the disk.
  void write_behind() const {
    if (file != nullptr && bytes >= 64u << 10) file->write_behind(offset, bytes);
  }
};

class Unit {
 public:
  virtual ~Unit() = default;
  virtual uint64_t source_bytes() const = 0;  // for batching and progress
  virtual uint64_t fit_tasks() const { return 0; }
  virtual void fit(uint64_t /*task*/) {}
  virtual uint64_t run_tasks() const = 0;
  virtual void run(uint64_t task) = 0;
  virtual void write_behind() const {}  // once all its tasks have run, while others run
  virtual void report(std::vector<TensorResult>& /*results*/) const {}
};

struct UnitOptions {
  uint64_t tile_bytes = 512u << 10;  // of float values
  Measure measure = Measure::kNo;
  Scratch* scratch = nullptr;  // of the run; outlives its units
};

// Row-major pieces of a shape, each of at most `elements` elements where possible. kEven: each begins at an even element,
// so that 4-bit codes of different tiles share no byte.
enum class TileStart { kAny, kEven };
std::vector<Box> tiles_of(const Shape& shape, uint64_t elements, TileStart start = TileStart::kAny);
uint64_t flat_index(const Shape& shape, const Shape& at);

// Float values that a task reads at once. Where a copy that is proven equal lies the other way round in its file, a tile of
// rows is read from it in runs as short as the tile has rows: more of them then.
uint64_t tile_elements(uint64_t tile_bytes, const std::vector<TensorView>& proven_equal);

std::unique_ptr<Unit> make_copy_unit(TensorView source, DType dtype, std::vector<TensorView> proven_equal,
                                     const Extent& extent, const UnitOptions& options);
std::unique_ptr<Unit> make_half_unit(const DeclaredTensor& declared, const Extent& extent, const UnitOptions& options);
std::unique_ptr<Unit> make_literal_unit(std::string_view bytes, const Extent& extent);

struct JobExtents {
  struct Bias {
    Extent codes, scale;
  };
  Extent codes, scale, zero_point;
  std::vector<Bias> biases;  // as QuantJob::biases
  DType scale_type = DType::kFloat32;
};
// Chooses how the job is worked: in slabs along its first axis where these hold whole groups, else fit first.
std::unique_ptr<Unit> make_job_unit(const QuantJob& job, const Algorithm& algorithm, const JobExtents& extents,
                                    const UnitOptions& options);

// Error{kUsage} where `other` is not bit-equal to `values` within `box`.
void prove_equal(const TensorView& source, const TensorView& other, const Box& box, std::span<const float> values,
                 Scratch& scratch);

}  // namespace vetquant
