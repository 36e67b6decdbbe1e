#include <numeric>

#include "survey.h"

namespace vetquant::plan {
namespace {

void append(std::string& key, const Shape& numbers) {
  for (int64_t number : numbers) key += std::to_string(number) + ",";
  key += ';';
}

// Equal keys: the same stored elements in the same order, seen in the same shape and type.
std::string key_of(const TensorView& view) {
  std::string key = std::to_string(static_cast<int>(view.dtype())) + ":";
  append(key, view.shape());
  for (const Piece& piece : view.pieces()) {
    key += std::to_string(reinterpret_cast<uintptr_t>(piece.stored.get())) + "@" + std::to_string(piece.offset) + ":";
    append(key, piece.start);
    append(key, piece.extent);
    for (size_t i = 0; i < piece.stride.size(); ++i) {
      // The stride of an axis of extent 1 means nothing and depends on the way the view was made.
      key += std::to_string(piece.extent[i] == 1 ? 0 : piece.stride[i]) + ",";
    }
  }
  return key;
}

}  // namespace

TensorView last_two_swapped(const TensorView& view) {
  std::vector<int64_t> perm(view.shape().size());
  std::iota(perm.begin(), perm.end(), int64_t{0});
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return view.transposed(perm);
}

ContentTable::Place ContentTable::find_or_add(const TensorView& view) {
  const std::string key = key_of(view);
  if (const auto found = by_key_.find(key); found != by_key_.end()) return {found->second, false};
  if (view.shape().size() >= 2) {
    const auto found = by_key_.find(key_of(last_two_swapped(view)));
    if (found != by_key_.end()) return {found->second, true};
  }
  const int id = static_cast<int>(contents_->size());
  contents_->push_back(Content{.view = view, .sites = {}, .stays_float = {}, .tied_to = -1, .tied_swapped = false});
  by_key_.emplace(key, id);
  return {id, false};
}

}  // namespace vetquant::plan
