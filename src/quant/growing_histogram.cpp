#include <algorithm>
#include <cmath>
#include <string>

#include "vetquant/quant/activation_observer.h"

namespace vetquant::quant {
namespace {

constexpr int kMantissaBits = 23;
constexpr int kCoarsest = 127;
constexpr int64_t kFarthest = int64_t{1} << 25;  // |i| is at most 2^24, e being at least ilogb(max |x|) - 23

int64_t index_of(float value, double per_width) {
  const double place = static_cast<double>(value) * per_width;  // a power of two: exact
  const auto whole = static_cast<int64_t>(place);
  return whole - (place < static_cast<double>(whole) ? 1 : 0);
}

// The e that a set of values with these extremes needs. Of a larger set it is never smaller.
int exponent_for(float minimum, float maximum, int finest) {
  const float largest = std::max(std::abs(minimum), std::abs(maximum));
  if (largest == 0) return finest;
  int exponent = std::max(finest, std::ilogb(largest) - kMantissaBits);
  const double spread = static_cast<double>(maximum) - static_cast<double>(minimum);
  constexpr int kBinBits = 12;
  static_assert(GrowingHistogram::kBins == size_t{1} << kBinBits);
  if (spread > 0) exponent = std::max(exponent, std::ilogb(spread) - kBinBits);
  for (;; ++exponent) {
    const double per_width = std::ldexp(1.0, -exponent);
    const int64_t bins = index_of(maximum, per_width) - index_of(minimum, per_width) + 1;
    if (bins <= static_cast<int64_t>(GrowingHistogram::kBins)) return exponent;
  }
}

// Seven bits a byte, the lowest first: most counts are small.
void append_count(std::string& text, uint64_t count) {
  for (; count >= 0x80; count >>= 7) text.push_back(static_cast<char>(0x80 | (count & 0x7F)));
  text.push_back(static_cast<char>(count));
}

std::vector<uint64_t> parsed_counts(std::string_view text, ErrorCode code) {
  std::vector<uint64_t> counts;
  uint64_t count = 0;
  int shift = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (shift > 56) throw Error(code, "holds a histogram with an impossible count");
    count |= static_cast<uint64_t>(byte & 0x7F) << shift;
    shift += 7;
    if (byte & 0x80) continue;
    counts.push_back(count);
    count = 0;
    shift = 0;
  }
  if (shift != 0) throw Error(code, "holds a histogram that ends too early");
  return counts;
}

}  // namespace

double GrowingHistogram::width() const { return std::ldexp(1.0, exponent_); }

double GrowingHistogram::low_of(size_t bin) const {
  return std::ldexp(static_cast<double>(first_ + static_cast<int64_t>(bin)), exponent_);
}

void GrowingHistogram::add(std::span<const float> values) {
  if (values.empty()) return;
  const auto [minimum, maximum] = std::minmax_element(values.begin(), values.end());
  make_room(*minimum, *maximum);
  const double per_width = std::ldexp(1.0, -exponent_);
  for (const float value : values) ++counts_[static_cast<size_t>(index_of(value, per_width) - first_)];
}

void GrowingHistogram::make_room(float minimum, float maximum) {
  // Of what is there, the extremes are known to one width: enough, for e only has to be no smaller than it is.
  int exponent = std::max(exponent_, exponent_for(minimum, maximum, kFinest));
  for (;; ++exponent) {
    coarsen(exponent);
    const double per_width = std::ldexp(1.0, -exponent_);
    const int64_t low = index_of(minimum, per_width), high = index_of(maximum, per_width);
    const int64_t first = empty() ? low : std::min(low, first_);
    const int64_t last = empty() ? high : std::max(high, first_ + static_cast<int64_t>(counts_.size()) - 1);
    if (last - first >= static_cast<int64_t>(kBins)) continue;
    return cover(first, last);
  }
}

void GrowingHistogram::coarsen(int exponent) {
  const int shift = std::min(exponent - exponent_, 63);
  exponent_ = exponent;
  if (shift <= 0 || empty()) return;
  const int64_t first = first_ >> shift;  // towards minus infinity
  std::vector<uint64_t> counts(
      static_cast<size_t>(((first_ + static_cast<int64_t>(counts_.size()) - 1) >> shift) - first + 1), 0);
  for (size_t i = 0; i < counts_.size(); ++i)
    counts[static_cast<size_t>(((first_ + static_cast<int64_t>(i)) >> shift) - first)] += counts_[i];
  first_ = first;
  counts_ = std::move(counts);
}

void GrowingHistogram::cover(int64_t first, int64_t last) {
  if (empty()) {
    first_ = first;
    counts_.resize(static_cast<size_t>(last - first + 1), 0);
    return;
  }
  if (first < first_) counts_.insert(counts_.begin(), static_cast<size_t>(first_ - first), 0);
  first_ = first;
  counts_.resize(static_cast<size_t>(last - first + 1), 0);
}

void GrowingHistogram::merge(const GrowingHistogram& other) {
  if (other.empty()) return;
  GrowingHistogram added = other;
  for (int exponent = std::max(exponent_, added.exponent_);; ++exponent) {
    coarsen(exponent);
    added.coarsen(exponent);
    const int64_t added_last = added.first_ + static_cast<int64_t>(added.counts_.size()) - 1;
    const int64_t first = empty() ? added.first_ : std::min(first_, added.first_);
    const int64_t last = empty() ? added_last : std::max(first_ + static_cast<int64_t>(counts_.size()) - 1, added_last);
    if (last - first >= static_cast<int64_t>(kBins)) continue;
    cover(first, last);
    for (size_t i = 0; i < added.counts_.size(); ++i)
      counts_[static_cast<size_t>(added.first_ - first_) + i] += added.counts_[i];
    return;
  }
}

void GrowingHistogram::write(ByteWriter& writer) const {
  writer.number(static_cast<uint64_t>(static_cast<int64_t>(exponent_)));
  writer.number(static_cast<uint64_t>(first_));
  std::string text;
  for (const uint64_t count : counts_) append_count(text, count);
  writer.text(text);
}

GrowingHistogram GrowingHistogram::read(ByteReader& reader, ErrorCode code) {
  GrowingHistogram histogram;
  const auto exponent = static_cast<int64_t>(reader.number());
  histogram.first_ = static_cast<int64_t>(reader.number());
  histogram.counts_ = parsed_counts(reader.text(), code);
  const bool possible = exponent >= kFinest && exponent <= kCoarsest && histogram.counts_.size() <= kBins &&
                        histogram.first_ >= -kFarthest && histogram.first_ <= kFarthest;
  if (!possible) throw Error(code, "holds an impossible histogram");
  histogram.exponent_ = static_cast<int>(exponent);
  return histogram;
}

}  // namespace vetquant::quant
