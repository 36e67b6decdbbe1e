// Buffers that tasks borrow and give back, so that a run touches few pages of memory, and each of them once. Contents are
// left over from the last borrower: whoever borrows writes before it reads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace vetquant {

class Scratch {
 public:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    size_t size = 0;
  };

  // The smallest block that is free and large enough. Where all are too small, one of them makes room for a new one.
  Block take(size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      auto best = free_.end();
      for (auto it = free_.begin(); it != free_.end(); ++it) {
        if (it->size >= bytes && (best == free_.end() || it->size < best->size)) best = it;
      }
      if (best == free_.end() && !free_.empty()) {
        free_.pop_back();
      } else if (best != free_.end()) {
        Block block = std::move(*best);
        free_.erase(best);
        return block;
      }
    }
    const size_t size = std::max<size_t>(bytes, 64);
    return {std::make_unique_for_overwrite<std::byte[]>(size), size};
  }

  void give_back(Block block) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(block));
  }

 private:
  std::mutex mutex_;
  std::vector<Block> free_;
};

// `count` values of a trivial type for as long as this lives.
template <class T>
class Borrowed {
 public:
  Borrowed(Scratch& scratch, size_t count)
      : scratch_(scratch),
        block_(scratch.take(count * sizeof(T))),  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): given back below
        count_(count) {}
  Borrowed(Borrowed&& other) noexcept
      : scratch_(other.scratch_), block_(std::move(other.block_)), count_(std::exchange(other.count_, 0)) {}
  ~Borrowed() {
    if (block_.bytes != nullptr) scratch_.give_back(std::move(block_));
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  T* data() { return reinterpret_cast<T*>(block_.bytes.get()); }
  const T* data() const { return reinterpret_cast<const T*>(block_.bytes.get()); }
  size_t size() const { return count_; }
  std::span<T> span() { return {data(), count_}; }
  std::span<const T> span() const { return {data(), count_}; }
  operator std::span<T>() { return span(); }
  operator std::span<const T>() const { return span(); }

 private:
  Scratch& scratch_;
  Scratch::Block block_;
  size_t count_;
};

}  // namespace vetquant
