#include "vetquant/core/parallel.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/error_of.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace {

TEST(ParallelFor, CallsEachIndexOnce) {
  for (const int threads : {1, 2, 7, 64}) {
    for (const uint64_t count : {0u, 1u, 2u, 1000u}) {
      std::vector<std::atomic<int>> calls(count);
      parallel_for(count, threads, [&](uint64_t i) { ++calls[i]; });
      for (const auto& called : calls) EXPECT_EQ(called.load(), 1) << threads << " threads";
    }
  }
}

TEST(ParallelFor, RunsAtMostSoManyAtATime) {
  for (const int threads : {1, 3, 8}) {
    std::atomic<int> running{0}, most{0};
    parallel_for(200, threads, [&](uint64_t) {
      const int now = ++running;
      for (int seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::yield();
      --running;
    });
    EXPECT_LE(most.load(), threads);
  }
}

TEST(ParallelFor, ManyThreadsAreUsedEvenOnFewProcessors) {
  // Both tasks wait for each other: with one thread this would never end.
  std::atomic<int> arrived{0};
  parallel_for(2, 2, [&](uint64_t) {
    ++arrived;
    while (arrived.load() < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived.load(), 2);
}

TEST(ParallelFor, OneThreadMeansInOrderOnTheCallersOwn) {
  std::vector<uint64_t> order;
  const auto caller = std::this_thread::get_id();
  parallel_for(50, 1, [&](uint64_t i) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(i);
  });
  std::vector<uint64_t> expected(50);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
}

TEST(ParallelFor, TheFailureOfTheLowestIndexIsTheOneThatIsSeen) {
  for (const int threads : {1, 2, 4}) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::atomic<int> waiting{0};
      std::string what;
      try {
        parallel_for(static_cast<uint64_t>(threads), threads, [&](uint64_t i) {
          ++waiting;
          while (threads > 1 && waiting.load() < threads) std::this_thread::yield();  // all throw at once
          throw std::runtime_error(std::to_string(i));
        });
      } catch (const std::runtime_error& error) {
        what = error.what();
      }
      EXPECT_EQ(what, "0");
    }
  }
}

TEST(ParallelFor, AFailureStopsFurtherTasks) {
  for (const int threads : {1, 4}) {
    std::atomic<uint64_t> started{0};
    EXPECT_THROW(parallel_for(100000, threads,
                              [&](uint64_t i) {
                                ++started;
                                if (i == 10) throw std::runtime_error("stop");
                                while (threads > 1 && i > 20 && started.load() < 15) std::this_thread::yield();
                              }),
                 std::runtime_error);
    EXPECT_LT(started.load(), 90000u);
  }
}

TEST(ParallelFor, AnInterruptIsSeenBetweenTasks) {
  for (const int threads : {1, 3}) {
    std::atomic<uint64_t> started{0};
    const Error error = test::error_of([&] {
      parallel_for(100000, threads, [&](uint64_t i) {
        ++started;
        if (i == 5) interrupt::request();
      });
    });
    interrupt::clear();
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
    EXPECT_LT(started.load(), 90000u);
  }
}

TEST(ParallelFor, CanBeCalledFromATask) {
  std::atomic<int> sum{0};
  parallel_for(4, 2, [&](uint64_t) { parallel_for(10, 2, [&](uint64_t i) { sum += static_cast<int>(i); }); });
  EXPECT_EQ(sum.load(), 4 * 45);
}

TEST(ResolveThreads, ZeroMeansWhatThisProcessMayUse) {
  EXPECT_EQ(resolve_threads(3), 3);
  EXPECT_EQ(resolve_threads(1000), 1000);
  EXPECT_GE(resolve_threads(0), 1);
  EXPECT_EQ(resolve_threads(0), resolve_threads(-1));
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &before) && CPU_COUNT(&one) == 0) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(resolve_threads(0), 1);
  sched_setaffinity(0, sizeof before, &before);
}

}  // namespace
}  // namespace vetquant
