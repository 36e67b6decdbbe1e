#include "vetquant/model/tensor_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "payload.h"
#include "support/model_builder.h"

namespace vetquant {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

std::shared_ptr<const StoredTensor> stored_floats(const std::string& name, const Shape& shape,
                                                  const std::vector<float>& values) {
  auto stored = std::make_shared<StoredTensor>();
  stored->address = name;
  stored->dtype = DType::kFloat32;
  stored->shape = shape;
  stored->elements = values.size();
  stored->stored_bytes = values.size() * 4;
  stored->source = std::make_shared<PayloadSource>(
      std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)));
  return stored;
}

// 0, 1, 2, ...
TensorView counting(const std::string& name, const Shape& shape, float first = 0) {
  size_t count = 1;
  for (int64_t dim : shape) count *= static_cast<size_t>(dim);
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return TensorView(stored_floats(name, shape, values));
}

std::vector<float> read_all(const TensorView& view) {
  std::vector<float> values(view.elements());
  read_floats(view, Box::whole(view), values);
  return values;
}

TensorView transposed(const TensorView& view, std::vector<int64_t> perm) { return view.transposed(perm); }

TEST(TensorView, OfAStoredTensorIsThatTensor) {
  const TensorView view = counting("w", {2, 3});
  EXPECT_TRUE(view.is_whole_tensor());
  EXPECT_EQ(view.describe(), "w");
  EXPECT_EQ(view.elements(), 6u);
  EXPECT_THAT(read_all(view), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(TensorView, TransposedReadsColumns) {
  const TensorView view = transposed(counting("w", {2, 3}), {1, 0});
  EXPECT_THAT(view.shape(), ElementsAre(3, 2));
  EXPECT_FALSE(view.is_whole_tensor());
  EXPECT_EQ(view.describe(), "transpose(w)");
  EXPECT_THAT(read_all(view), ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST(TensorView, TransposedTwiceIsTheWholeTensorAgain) {
  const TensorView view = counting("w", {2, 3, 4});
  EXPECT_TRUE(transposed(transposed(view, {2, 0, 1}), {1, 2, 0}).is_whole_tensor());
}

TEST(TensorView, ReshapeKeepsTheOrder) {
  const auto view = counting("w", {2, 6}).reshaped({3, 1, 4});
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->is_whole_tensor());
  EXPECT_THAT(read_all(*view), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST(TensorView, ReshapeOfATransposedViewIsRefusedWhereItWouldMoveData) {
  EXPECT_FALSE(transposed(counting("w", {2, 6}), {1, 0}).reshaped({12}));
  // Splitting a dimension of a transposed view moves nothing.
  const auto split = transposed(counting("w", {2, 6}), {1, 0}).reshaped({3, 2, 2});
  ASSERT_TRUE(split);
  EXPECT_THAT(read_all(*split), ElementsAre(0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11));
}

TEST(TensorView, ReshapeOfAnotherCountIsRefused) { EXPECT_FALSE(counting("w", {2, 6}).reshaped({13})); }

TEST(TensorView, SliceWithNegativeStepRunsBackwards) {
  const auto view = counting("w", {5}).sliced(0, 4, -2, 3);
  ASSERT_TRUE(view);
  EXPECT_THAT(read_all(*view), ElementsAre(4, 2, 0));
  EXPECT_EQ(view->describe(), "slice(w)");
}

TEST(TensorView, SliceOutsideIsRefused) {
  const TensorView view = counting("w", {5});
  EXPECT_FALSE(view.sliced(0, 3, 1, 3));
  EXPECT_FALSE(view.sliced(0, 4, -2, 4));
  EXPECT_FALSE(view.sliced(0, -1, 1, 1));
  EXPECT_FALSE(view.sliced(1, 0, 1, 1));
  EXPECT_FALSE(view.sliced(0, 0, 1ll << 62, 3));
}

TEST(TensorView, ConcatPutsPartsInOrder) {
  const std::vector<TensorView> parts{counting("a", {2, 1}), counting("b", {2, 2}, 10)};
  const auto view = TensorView::concatenated(parts, 1);
  ASSERT_TRUE(view);
  EXPECT_THAT(read_all(*view), ElementsAre(0, 10, 11, 1, 12, 13));
  EXPECT_EQ(view->describe(), "concat(a, b)");
  EXPECT_FALSE(TensorView::concatenated(parts, 0)) << "the other dimension differs";
}

TEST(TensorView, ConcatenatedRowsSurviveUnsqueezeAndFlattening) {
  const std::vector<TensorView> parts{counting("a", {2, 2}), counting("b", {1, 2}, 10)};
  const auto view = TensorView::concatenated(parts, 0);
  ASSERT_TRUE(view);
  const auto unsqueezed = view->reshaped({1, 3, 2});
  ASSERT_TRUE(unsqueezed);
  EXPECT_THAT(read_all(*unsqueezed), ElementsAre(0, 1, 2, 3, 10, 11));
  const auto flat = view->reshaped({6});
  ASSERT_TRUE(flat);
  EXPECT_THAT(read_all(*flat), ElementsAre(0, 1, 2, 3, 10, 11));
}

TEST(TensorView, SameDataSeesTheStoreNotTheName) {
  const auto stored = stored_floats("w", {2, 3}, {1, 2, 3, 4, 5, 6});
  auto twin = std::make_shared<StoredTensor>(*stored);
  twin->address = "v";
  EXPECT_TRUE(TensorView(stored).same_data(TensorView(twin)));
  EXPECT_FALSE(TensorView(stored).same_data(transposed(TensorView(stored), {1, 0})));
  EXPECT_FALSE(TensorView(stored).same_data(TensorView(stored_floats("w", {2, 3}, {1, 2, 3, 4, 5, 7}))));
  EXPECT_FALSE(TensorView(stored).same_data(TensorView(stored).cast(DType::kFloat16)));
}

TEST(TensorView, CastRoundsWhatIsRead) {
  const TensorView view = TensorView(stored_floats("w", {3}, {1.0f, 0.1f, 70000.0f})).cast(DType::kFloat16);
  EXPECT_EQ(view.describe(), "fp16(w)");
  EXPECT_FALSE(view.is_whole_tensor());
  const auto values = read_all(view);
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[1], 0.0999755859375f);  // 0x2e66
  EXPECT_TRUE(std::isinf(values[2]));
  std::vector<uint16_t> halves(3);
  read_raw(view, 0, 3, std::as_writable_bytes(std::span(halves)));
  EXPECT_THAT(halves, ElementsAre(0x3c00, 0x2e66, 0x7c00));
}

TEST(TensorView, EmptyTensorsHaveNoPieces) {
  const TensorView view = counting("w", {0, 3});
  EXPECT_EQ(view.elements(), 0u);
  EXPECT_TRUE(read_all(view).empty());
  EXPECT_TRUE(view.reshaped({3, 0}));
}

// --- random chains of views against a dense evaluation -------------------------------------------------------------

struct Dense {
  Shape shape;
  std::vector<float> values;
};

int64_t flat_index(const Shape& shape, const Shape& at) {
  int64_t index = 0;
  for (size_t d = 0; d < shape.size(); ++d) index = index * shape[d] + at[d];
  return index;
}

template <class Visit>
void for_each_index(const Shape& shape, const Visit& visit) {
  Shape at(shape.size(), 0);
  for (int64_t dim : shape) {
    if (dim == 0) return;
  }
  while (true) {
    visit(at);
    size_t d = shape.size();
    for (; d > 0; --d) {
      if (++at[d - 1] < shape[d - 1]) break;
      at[d - 1] = 0;
    }
    if (d == 0) return;
  }
}

// result[i] = from[map(i)]
template <class Map>
Dense remap(const Dense& from, const Shape& shape, const Map& map) {
  Dense to{shape, {}};
  for_each_index(shape, [&](const Shape& at) {
    to.values.push_back(from.values[static_cast<size_t>(flat_index(from.shape, map(at)))]);
  });
  return to;
}

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  int64_t below(int64_t n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<int64_t>((state_ >> 11) % static_cast<uint64_t>(n));
  }

 private:
  uint64_t state_;
};

struct Pair {
  TensorView view;
  Dense dense;
};

void transpose_step(Pair& pair, Dice& dice) {
  std::vector<int64_t> perm(pair.dense.shape.size());
  std::iota(perm.begin(), perm.end(), 0);
  for (size_t i = perm.size(); i > 1; --i)
    std::swap(perm[i - 1], perm[static_cast<size_t>(dice.below(static_cast<int64_t>(i)))]);
  Shape shape;
  for (int64_t p : perm) shape.push_back(pair.dense.shape[static_cast<size_t>(p)]);
  pair.dense = remap(pair.dense, shape, [&](const Shape& at) {
    Shape from(at.size());
    for (size_t d = 0; d < at.size(); ++d) from[static_cast<size_t>(perm[d])] = at[d];
    return from;
  });
  pair.view = pair.view.transposed(perm);
}

void slice_step(Pair& pair, Dice& dice) {
  if (pair.dense.shape.empty()) return;
  const auto axis = static_cast<size_t>(dice.below(static_cast<int64_t>(pair.dense.shape.size())));
  const int64_t dim = pair.dense.shape[axis];
  const int64_t width = 1 + dice.below(3), sign = dice.below(2) == 0 ? 1 : -1;
  const int64_t start = dice.below(dim);
  const int64_t room = sign > 0 ? (dim - 1 - start) / width : start / width;
  const int64_t count = 1 + dice.below(room + 1);
  const auto view = pair.view.sliced(static_cast<int64_t>(axis), start, sign * width, count);
  if (!view) {
    EXPECT_GT(width, dim);  // the only valid slice that may be refused
    return;
  }
  Shape shape = pair.dense.shape;
  shape[axis] = count;
  pair.dense = remap(pair.dense, shape, [&](const Shape& at) {
    Shape from = at;
    from[axis] = start + at[axis] * sign * width;
    return from;
  });
  pair.view = *view;
}

void concat_step(Pair& pair, Dice& dice) {
  if (pair.dense.shape.empty() || pair.dense.values.size() > 2000) return;
  const auto axis = static_cast<size_t>(dice.below(static_cast<int64_t>(pair.dense.shape.size())));
  Pair other{counting("extra", pair.dense.shape, 1000), {pair.dense.shape, {}}};
  other.dense.values = read_all(other.view);
  const bool before = dice.below(2) == 0;
  const std::vector<TensorView> parts =
      before ? std::vector{other.view, pair.view} : std::vector{pair.view, other.view};
  const Dense& first = before ? other.dense : pair.dense;
  const Dense& second = before ? pair.dense : other.dense;
  Dense joined{pair.dense.shape, {}};
  joined.shape[axis] *= 2;
  for_each_index(joined.shape, [&](Shape at) {
    const bool in_first = at[axis] < first.shape[axis];
    if (!in_first) at[axis] -= first.shape[axis];
    const Dense& from = in_first ? first : second;
    joined.values.push_back(from.values[static_cast<size_t>(flat_index(from.shape, at))]);
  });
  pair.view = TensorView::concatenated(parts, static_cast<int64_t>(axis)).value();
  pair.dense = joined;
}

// True where the view could do it; a dense tensor can always be reshaped.
bool reshape_step(Pair& pair, Dice& dice) {
  Shape shape;
  auto left = static_cast<int64_t>(pair.dense.values.size());
  while (left > 1 && shape.size() < 4) {
    const int64_t factor = 1 + dice.below(6);
    if (left % factor != 0) continue;
    shape.push_back(factor);
    left /= factor;
  }
  shape.push_back(left);
  const auto view = pair.view.reshaped(shape);
  if (!view) return false;
  pair.view = *view;
  pair.dense.shape = shape;
  return true;
}

void expect_equal(const Pair& pair, Dice& dice) {
  ASSERT_EQ(pair.view.shape(), pair.dense.shape);
  ASSERT_THAT(read_all(pair.view), ElementsAreArray(pair.dense.values));
  Box box = Box::whole(pair.view);
  for (size_t d = 0; d < box.extent.size(); ++d) {
    box.start[d] = dice.below(box.extent[d]);
    box.extent[d] = 1 + dice.below(box.extent[d] - box.start[d]);
  }
  const Dense part = remap(pair.dense, box.extent, [&](Shape at) {
    for (size_t d = 0; d < at.size(); ++d) at[d] += box.start[d];
    return at;
  });
  std::vector<float> values(box.elements());
  read_floats(pair.view, box, values);
  ASSERT_THAT(values, ElementsAreArray(part.values));
  const auto total = static_cast<int64_t>(pair.dense.values.size());
  const int64_t first = dice.below(total), count = 1 + dice.below(total - first);
  std::vector<float> raw(static_cast<size_t>(count));
  read_raw(pair.view, static_cast<uint64_t>(first), static_cast<uint64_t>(count),
           std::as_writable_bytes(std::span(raw)));
  ASSERT_TRUE(std::equal(raw.begin(), raw.end(), pair.dense.values.begin() + first));
}

TEST(TensorView, RandomChainsReadWhatADenseEvaluationGives) {
  int reshaped = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Dice dice(seed);
    Shape shape(static_cast<size_t>(1 + dice.below(4)));
    for (auto& dim : shape) dim = 1 + dice.below(6);
    Pair pair{counting("w", shape), {shape, {}}};
    pair.dense.values = read_all(pair.view);
    for (int step = 0; step < 6; ++step) {
      switch (dice.below(4)) {
        case 0:
          transpose_step(pair, dice);
          break;
        case 1:
          slice_step(pair, dice);
          break;
        case 2:
          concat_step(pair, dice);
          break;
        default:
          ++(reshape_step(pair, dice) ? reshaped : refused);
      }
      ASSERT_NO_FATAL_FAILURE(expect_equal(pair, dice)) << "seed " << seed << " step " << step;
    }
  }
  EXPECT_GT(reshaped, 150);
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace vetquant
