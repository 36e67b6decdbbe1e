#include "vetquant/core/parallel.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "vetquant/core/interrupt.h"

namespace vetquant {

int resolve_threads(int threads) {
  if (threads > 0) return threads;
  cpu_set_t set;
  int allowed = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));  // more than cpu_set_t holds
  if (sched_getaffinity(0, sizeof set, &set) == 0) allowed = std::max(1, CPU_COUNT(&set));
  std::ifstream quota_file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (quota_file >> quota >> period && quota != "max" && period > 0) {
    allowed = std::clamp(static_cast<int>(std::stod(quota) / period + 0.999), 1, allowed);
  }
  return allowed;
}

void parallel_for(uint64_t count, int threads, const std::function<void(uint64_t)>& fn) {
  threads = resolve_threads(threads);
  if (count == 0) return;
  if (count == 1 || threads == 1) {
    for (uint64_t i = 0; i < count; ++i) {
      interrupt::check();
      fn(i);
    }
    return;
  }
  // Threads draw the next index: tasks begin in order, so a failure leaves at most `threads` later ones done.
  std::atomic<uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr error;
  uint64_t error_index = 0;
  const auto work = [&](int) {
    for (uint64_t i; !stop.load() && (i = next.fetch_add(1)) < count;) {
      try {
        interrupt::check();
        fn(i);
      } catch (...) {
        stop = true;
        const std::lock_guard lock(mutex);
        if (!error || i < error_index) {
          error = std::current_exception();
          error_index = i;
        }
      }
    }
  };
  const int workers = static_cast<int>(std::min<uint64_t>(count, static_cast<uint64_t>(threads)));
  // More threads than processors are the caller's wish; without this oneTBB refuses them, with a warning on stderr.
  const oneapi::tbb::global_control allow(oneapi::tbb::global_control::max_allowed_parallelism,
                                          static_cast<size_t>(workers));
  oneapi::tbb::task_arena arena(workers);
  arena.execute([&] { oneapi::tbb::parallel_for(0, workers, work, oneapi::tbb::simple_partitioner()); });
  if (error) std::rethrow_exception(error);
}

}  // namespace vetquant
