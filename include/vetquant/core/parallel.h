// Runs tasks on a bounded number of threads (oneTBB). What a task computes must not depend on which thread runs it or when.
#pragma once

#include <cstdint>
#include <functional>

namespace vetquant {

// Calls fn(0..count-1), each once, at most `threads` at a time. An exception stops further tasks; the one of the lowest
// index among those thrown is rethrown. Looks at interrupt::requested() before each task (Error{kInterrupted}).
void parallel_for(uint64_t count, int threads, const std::function<void(uint64_t)>& fn);

// threads <= 0 means all processors that this process may use (affinity, cgroup quota).
int resolve_threads(int threads);

}  // namespace vetquant
