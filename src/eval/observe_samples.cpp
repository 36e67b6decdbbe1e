#include "vetquant/eval/observe_samples.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "answer_key.h"
#include "sample_runner.h"
#include "stored_answers.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/parallel.h"
#include "vetquant/core/text.h"
#include "vetquant/eval/language_model.h"
#include "vetquant/eval/speech.h"

namespace vetquant {
namespace {

using quant::ActivationObserver;
using Observers = std::vector<ActivationObserver>;

constexpr size_t kMostParts = 16;

class Observing {
 public:
  Observing(const TestSet& set, const ObserveOptions& options)
      : set_(set),
        options_(options),
        samples_(observed_samples(set)),
        parts_(std::min(kMostParts, samples_)),
        sum_(options.observers) {}

  Observers run() {
    find_stored();
    for (size_t part = 0; part < stored_.known() && take_stored(part); ++part) merged_ = part + 1;
    const size_t known = merged_;
    done_ = begin_of(known);
    report();
    if (known == parts_) return std::move(sum_);
    const int processes = processes_at_once(known);
    parallel_for(parts_ - known, processes, [&](uint64_t i) { run_part(known + i, processes); });
    stored_.save();
    return std::move(sum_);
  }

 private:
  size_t begin_of(size_t part) const { return part * samples_ / parts_; }

  void find_stored() {
    if (!options_.cache || set_.path.empty()) return;
    JudgeOptions judging;  // the circumstances are those of judging
    judging.runtime_library = options_.runtime_library;
    judging.session.optimization = Optimization::kNone;
    judging.worker = options_.worker;
    const RunFiles files = run_files(set_, options_);
    const std::string key = answer_key(circumstances_digest(set_, judging), files.graphs, files.settings);
    stored_ = StoredAnswers(*options_.cache, digest_of("observed " + key), parts_, options_.model.string());
  }

  bool take_stored(size_t part) {
    try {
      ByteReader reader = stored_.at(part);
      merge(read_observers(reader));
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kIo) throw;
      stored_.forget_from(part);
      return false;
    }
  }

  Observers read_observers(ByteReader& reader) const {
    Observers seen(reader.count());
    if (seen.size() != options_.observers) throw Error(ErrorCode::kIo, "is of another model");
    for (ActivationObserver& observer : seen) observer = ActivationObserver::read(reader, ErrorCode::kIo);
    return seen;
  }

  void merge(const Observers& seen) {
    for (size_t i = 0; i < sum_.size(); ++i) sum_[i].merge(seen[i]);
  }

  // As many as the memory allows, by what one of them takes for its first sample.
  int processes_at_once(size_t first_part) {
    if (options_.max_memory_bytes == 0) return options_.threads;
    auto runner = make_sample_runner(set_, options_, reading_);
    runner->run(begin_of(first_part));
    runner->worker().take_observed();  // it is run once more with the rest of its part
    const uint64_t one = runner->worker().memory().peak_bytes, own = memory_use().resident_bytes;
    check_memory(one, own, 1);
    idle_.push_back(std::move(runner));
    const uint64_t fitting = (options_.max_memory_bytes - own) / one;
    return static_cast<int>(std::min<uint64_t>(fitting, static_cast<uint64_t>(options_.threads)));
  }

  void check_memory(uint64_t one, uint64_t own, int processes) const {
    const uint64_t all = own + one * static_cast<uint64_t>(processes);
    if (options_.max_memory_bytes == 0 || all <= options_.max_memory_bytes) return;
    const std::string run = human_bytes(one), together = human_bytes(all);
    throw Error(ErrorCode::kUnsupported,
                "a run on one sample takes " + run + ", all together " + together + ", and --max-memory is " +
                    human_bytes(options_.max_memory_bytes) + "; give more, or shorter samples",
                options_.model.string());
  }

  std::unique_ptr<SampleRunner> take_runner() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto runner = std::move(idle_.back());
        idle_.pop_back();
        return runner;
      }
    }
    return make_sample_runner(set_, options_, reading_);
  }

  void run_part(size_t part, int processes) {
    auto runner = take_runner();
    for (size_t sample = begin_of(part); sample < begin_of(part + 1); ++sample) {
      runner->run(sample);
      runner->worker().end_sample();
      const std::lock_guard lock(mutex_);
      ++done_;
      report();
    }
    Observers seen = runner->worker().take_observed();
    if (seen.size() != options_.observers)
      throw Error(ErrorCode::kGate, "the judged process has other observers than were asked for",
                  options_.model.string());
    if (options_.max_memory_bytes > 0)
      check_memory(runner->worker().memory().peak_bytes, memory_use().resident_bytes, processes);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(runner));
    waiting_.emplace(part, std::move(seen));
    merge_in_order();
  }

  // Parts are begun in order, so that no more wait here than there are processes.
  void merge_in_order() {
    for (auto next = waiting_.find(merged_); next != waiting_.end(); next = waiting_.find(merged_)) {
      ByteWriter answer;
      answer.number(next->second.size());
      for (const ActivationObserver& observer : next->second) observer.write(answer);
      stored_.add(answer);
      merge(next->second);
      waiting_.erase(next);
      ++merged_;
    }
  }

  void report() const {
    if (options_.progress) options_.progress({"calibrate", done_, samples_, "samples"});
  }

  const TestSet& set_;
  const ObserveOptions& options_;
  const size_t samples_, parts_;
  StoredAnswers stored_;
  std::mutex reading_, mutex_;
  std::vector<std::unique_ptr<SampleRunner>> idle_;
  std::map<size_t, Observers> waiting_;
  Observers sum_;
  size_t merged_ = 0, done_ = 0;
};

}  // namespace

size_t observed_samples(const TestSet& set) {
  if (set.language) return set.language->documents.size() + set.language->cloze.size();
  return set.speech ? set.speech->clips.size() : set.samples;
}

std::vector<ActivationObserver> observe_samples(const TestSet& set, const ObserveOptions& options) {
  return Observing(set, options).run();
}

}  // namespace vetquant
