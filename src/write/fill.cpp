#include "fill.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>

#include "unit.h"
#include "vetquant/core/error.h"
#include "vetquant/core/parallel.h"

namespace vetquant {
namespace {

constexpr uint64_t kBatchBytes = 256u << 20;

// Which extents a quantization job fills.
std::vector<JobExtents> job_extents(const Emitted& emitted, const Framed& framed, OutputFile& file) {
  std::vector<JobExtents> extents(emitted.jobs.size());
  for (const Gap& gap : framed.gaps) {
    if (gap.declared < 0) continue;
    const DeclaredTensor& declared = emitted.declared[static_cast<size_t>(gap.declared)];
    if (declared.job < 0) continue;
    JobExtents& job = extents[static_cast<size_t>(declared.job)];
    job.biases.resize(emitted.jobs[static_cast<size_t>(declared.job)].biases.size());
    const Extent extent{&file, gap.offset, gap.bytes};
    Extent* place = nullptr;
    switch (declared.kind) {
      case RecipeKind::kCodes:
        place = &job.codes;
        break;
      case RecipeKind::kScale:
        place = &job.scale;
        job.scale_type = declared.dtype;
        break;
      case RecipeKind::kZeroPoint:
        place = &job.zero_point;
        break;
      case RecipeKind::kBias:
        place = &job.biases.at(static_cast<size_t>(declared.bias)).codes;
        break;
      case RecipeKind::kBiasScale:
        place = &job.biases.at(static_cast<size_t>(declared.bias)).scale;
        break;
      default:
        break;
    }
    if (place == nullptr || *place)
      throw Error(ErrorCode::kInternal, "a result of a quantization job is stored twice", declared.name);
    *place = extent;
  }
  for (size_t i = 0; i < extents.size(); ++i) {
    if (!extents[i].codes || !extents[i].scale) {
      throw Error(ErrorCode::kInternal, "codes or scale of a quantization job are stored nowhere",
                  emitted.jobs[i].name);
    }
  }
  return extents;
}

std::vector<std::unique_ptr<Unit>> make_units(const Emitted& emitted, const AlgorithmSet& algorithms,
                                              const Framed& framed, OutputFile& file, const UnitOptions& options) {
  const std::vector<JobExtents> jobs = job_extents(emitted, framed, file);
  std::vector<std::unique_ptr<Unit>> units;
  for (const Gap& gap : framed.gaps) {
    const Extent extent{&file, gap.offset, gap.bytes};
    if (gap.declared < 0) {
      units.push_back(make_copy_unit(TensorView(gap.stored), gap.stored->dtype, {}, extent, options));
      continue;
    }
    const DeclaredTensor& declared = emitted.declared[static_cast<size_t>(gap.declared)];
    switch (declared.kind) {
      case RecipeKind::kCodes: {
        const size_t id = static_cast<size_t>(declared.job);
        const QuantJob& job = emitted.jobs[id];
        units.push_back(make_job_unit(job, algorithms.find(job.spec.algorithm), jobs[id], options));
        break;
      }
      case RecipeKind::kScale:
      case RecipeKind::kZeroPoint:
      case RecipeKind::kBias:
      case RecipeKind::kBiasScale:
        break;  // filled by their job
      case RecipeKind::kHalves:
      case RecipeKind::kBfloat16s:
        units.push_back(make_half_unit(declared, extent, options));
        break;
      case RecipeKind::kCopy:
        units.push_back(make_copy_unit(declared.source, declared.dtype, declared.proven_equal, extent, options));
        break;
    }
  }
  return units;
}

// Tells how far the work is, task by task: a single tensor may be most of a model.
class Meter {
 public:
  Meter(const ProgressSink& sink, uint64_t total) : sink_(sink), total_(total) {}

  void add(double bytes) {
    if (!sink_) return;
    const std::lock_guard lock(mutex_);
    done_ = std::min(done_ + bytes, static_cast<double>(total_));
    sink_({"quantize", static_cast<uint64_t>(done_), total_, "B"});
  }
  void finish() {
    if (sink_) sink_({"quantize", total_, total_, "B"});
  }

 private:
  const ProgressSink& sink_;
  uint64_t total_;
  std::mutex mutex_;
  double done_ = 0;
};

// Runs one step of all units of a batch as one flat list of tasks; `finished` is called for each unit whose tasks have all run.
// Where a unit is worked in two steps, each is half of it.
void run_step(std::span<const std::unique_ptr<Unit>> units, int threads, uint64_t (Unit::*count)() const,
              void (Unit::*work)(uint64_t), const std::function<void(const Unit&)>& finished, Meter& meter) {
  std::vector<uint64_t> ends;
  std::vector<std::atomic<uint64_t>> rest(units.size());
  uint64_t total = 0;
  for (size_t i = 0; i < units.size(); ++i) {
    rest[i] = ((*units[i]).*count)();
    ends.push_back(total += rest[i]);
  }
  if (total == 0) return;
  parallel_for(total, threads, [&](uint64_t task) {
    const size_t i = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), task) - ends.begin());
    const Unit& unit = *units[i];
    ((*units[i]).*work)(task - (i == 0 ? 0 : ends[i - 1]));
    if (--rest[i] == 0) finished(unit);
    const double share = unit.fit_tasks() > 0 ? 0.5 : 1;
    const auto tasks = static_cast<double>((unit.*count)());
    meter.add(share * static_cast<double>(unit.source_bytes()) / tasks);
  });
}

}  // namespace

std::vector<TensorResult> fill(const Emitted& emitted, const AlgorithmSet& algorithms, const Framed& framed,
                               OutputFile& payloads, const WriteOptions& options) {
  Scratch scratch;
  const UnitOptions unit_options{options.tile_bytes, options.measure, &scratch};
  const auto units = make_units(emitted, algorithms, framed, payloads, unit_options);
  uint64_t total = 0;
  for (const auto& unit : units) total += unit->source_bytes();
  Meter meter(options.progress, total);
  const int threads = resolve_threads(options.threads);
  for (size_t begin = 0; begin < units.size();) {
    size_t end = begin;
    uint64_t bytes = 0;
    do {
      bytes += units[end++]->source_bytes();
    } while (end < units.size() && bytes + units[end]->source_bytes() <= kBatchBytes);
    const auto batch = std::span(units).subspan(begin, end - begin);
    run_step(
        batch, threads, &Unit::fit_tasks, &Unit::fit, [](const Unit&) {}, meter);
    run_step(
        batch, threads, &Unit::run_tasks, &Unit::run, [](const Unit& unit) { unit.write_behind(); }, meter);
    begin = end;
  }
  meter.finish();
  std::vector<TensorResult> results;
  for (const auto& unit : units) unit->report(results);
  return results;
}

void fill_literals(const Framed& framed, OutputFile& model_file) {
  uint64_t at = 0, shift = 0;
  const auto write = [&](uint64_t end) {
    if (end > at) model_file.write(at + shift, std::as_bytes(std::span(framed.literals).subspan(at, end - at)));
    at = end;
  };
  for (size_t i = 0; i < framed.gap_at.size(); ++i) {
    write(framed.gap_at[i]);
    shift += framed.gaps[i].bytes;
  }
  write(framed.literals.size());
}

}  // namespace vetquant
