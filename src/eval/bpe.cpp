#include "bpe.h"

#include <queue>
#include <tuple>

namespace vetquant {
namespace {

constexpr size_t kNone = SIZE_MAX;

struct Symbol {
  uint32_t id = 0;
  size_t previous = kNone, next = kNone;
  bool gone = false;
};

struct Pair {
  Merge merge;
  size_t at = 0;                             // of the left symbol
  bool operator<(const Pair& other) const {  // the heap's top is the greatest
    return std::tie(other.merge.rank, other.at) < std::tie(merge.rank, at);
  }
};

class Word {
 public:
  Word(const Bpe& bpe, std::string_view word) : bpe_(bpe) {
    bool after_unknown = false;
    for (const char byte : word) {
      const auto found = bpe.ids.find(std::string(1, byte));
      const bool known = found != bpe.ids.end();
      if (known || (bpe.unknown && !(bpe.fuse_unknown && after_unknown))) add(known ? found->second : *bpe.unknown);
      after_unknown = !known;
    }
    for (size_t at = 0; at + 1 < symbols_.size(); ++at) find_pair(at);
  }

  void join() {
    while (!pairs_.empty()) {
      const Pair pair = pairs_.top();
      pairs_.pop();
      Symbol& left = symbols_[pair.at];
      // What was joined meanwhile is another pair; it still counts if it gives the same token, as in the reference.
      const Merge* merge = left.gone ? nullptr : merge_at(pair.at);
      if (!merge || merge->joined != pair.merge.joined) continue;
      Symbol& right = symbols_[left.next];
      left.id = pair.merge.joined;
      left.next = right.next;
      right.gone = true;
      if (left.next != kNone) symbols_[left.next].previous = pair.at;
      if (left.previous != kNone) find_pair(left.previous);
      find_pair(pair.at);
    }
  }

  void append_to(std::vector<uint32_t>& out) const {
    for (const Symbol& symbol : symbols_) {
      if (!symbol.gone) out.push_back(symbol.id);
    }
  }

 private:
  void add(uint32_t id) {
    const size_t at = symbols_.size();
    if (at > 0) symbols_.back().next = at;
    symbols_.push_back({id, at > 0 ? at - 1 : kNone, kNone, false});
  }

  const Merge* merge_at(size_t at) const {
    const Symbol& left = symbols_[at];
    if (left.next == kNone) return nullptr;
    const auto found = bpe_.merges.find(uint64_t{left.id} << 32 | symbols_[left.next].id);
    return found == bpe_.merges.end() ? nullptr : &found->second;
  }

  void find_pair(size_t at) {
    if (const Merge* merge = merge_at(at)) pairs_.push({*merge, at});
  }

  const Bpe& bpe_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Pair> pairs_;
};

}  // namespace

void Bpe::encode(std::string_view word, std::vector<uint32_t>& out) const {
  if (whole_words_first) {
    const auto found = ids.find(std::string(word));
    if (found != ids.end()) {
      out.push_back(found->second);
      return;
    }
  }
  Word symbols(*this, word);
  symbols.join();
  symbols.append_to(out);
}

}  // namespace vetquant
