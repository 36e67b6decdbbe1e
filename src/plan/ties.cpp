// Copies of one table that an exporter wrote twice: shapes that fit, and a few hundred values that agree. Proven while
// quantizing.
#include "vetquant/plan/ties.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "samples.h"
#include "sizes.h"
#include "survey.h"

namespace vetquant::plan {
namespace {

constexpr uint64_t kLeastBytes = 64 << 10;
constexpr int kFirstLook = 6, kSecondLook = 300;
// Fewer different values than this among the samples say nothing: two tensors of zeros are no tied tables.
constexpr size_t kLeastDistinct = 16;

bool may_be_tied(const Survey& survey, const Content& content) {
  if (content.view.shape().size() != 2 || bytes_of(content.view.dtype(), content.view.elements()) < kLeastBytes)
    return false;
  return std::any_of(content.sites.begin(), content.sites.end(), [&](int number) {
    const SiteKind kind = survey.sites[static_cast<size_t>(number)].kind;
    return kind == SiteKind::kTable || kind == SiteKind::kMatMulB || kind == SiteKind::kGemmB;
  });
}

// The longer axis first, so that a table and its transposed copy look alike.
struct Upright {
  TensorView view;
  bool swapped = false;
};
Upright upright(const Content& content) {
  const Shape& shape = content.view.shape();
  if (shape[0] >= shape[1]) return {content.view, false};
  return {last_two_swapped(content.view), true};
}

bool tells_something(const std::vector<float>& values) {
  return std::set<float>(values.begin(), values.end()).size() >= kLeastDistinct &&
         std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

class TieFinder {
 public:
  explicit TieFinder(Survey& survey) : survey_(survey) {}

  void run() {
    std::map<std::tuple<int64_t, int64_t, DType>, std::vector<int>> by_shape;
    for (size_t i = 0; i < survey_.contents.size(); ++i) {
      if (!may_be_tied(survey_, survey_.contents[i])) continue;
      const Shape shape = upright(survey_.contents[i]).view.shape();
      by_shape[{shape[0], shape[1], survey_.contents[i].view.dtype()}].push_back(static_cast<int>(i));
    }
    for (const auto& [shape, contents] : by_shape) {
      if (contents.size() > 1) first_look(contents);
    }
  }

 private:
  void first_look(const std::vector<int>& contents) {
    std::map<std::vector<float>, std::vector<int>> alike;
    for (int number : contents) {
      const TensorView view = upright(survey_.contents[static_cast<size_t>(number)]).view;
      std::vector<float> values = sample_at(view, sample_positions(view.shape(), kFirstLook));
      if (std::none_of(values.begin(), values.end(), [](float value) { return std::isnan(value); }))
        alike[values].push_back(number);
    }
    for (const auto& [values, numbers] : alike) {
      if (numbers.size() > 1) second_look(numbers);
    }
  }

  void second_look(const std::vector<int>& contents) {
    std::map<std::vector<float>, int> first_of;
    for (int number : contents) {
      Content& content = survey_.contents[static_cast<size_t>(number)];
      const Upright turned = upright(content);
      std::vector<float> values = sample_at(turned.view, sample_positions(turned.view.shape(), kSecondLook));
      if (!tells_something(values)) continue;
      const auto [first, is_new] = first_of.emplace(std::move(values), number);
      if (is_new) continue;
      content.tied_to = first->second;
      content.tied_swapped = turned.swapped != upright(survey_.contents[static_cast<size_t>(first->second)]).swapped;
    }
  }

  Survey& survey_;
};

}  // namespace

void mark_ties(Survey& survey) { TieFinder(survey).run(); }

}  // namespace vetquant::plan

namespace vetquant {

std::vector<TiedTensor> find_ties(const GraphIndex& index, const ConstantFinder& constants) {
  plan::Survey survey = plan::survey_sites(index, constants, {}, 1024);
  plan::mark_ties(survey);
  std::map<int, TiedTensor> found;
  for (size_t i = 0; i < survey.contents.size(); ++i) {
    const plan::Content& content = survey.contents[i];
    if (content.sites.empty()) continue;
    const int root = content.tied_to >= 0 ? content.tied_to : static_cast<int>(i);
    TiedTensor& tied = found[root];
    TiedCopy copy{.name = survey.sites[static_cast<size_t>(content.sites[0])].name,
                  .shape = content.view.shape(),
                  .bytes = plan::source_bytes(content.view),
                  .nodes = {}};
    for (int number : content.sites) {
      const plan::Site& site = survey.sites[static_cast<size_t>(number)];
      copy.nodes.push_back(index.node(site.node).address);
      tied.looked_up |= site.kind == plan::SiteKind::kTable;
      tied.multiplied |= site.kind == plan::SiteKind::kMatMulB || site.kind == plan::SiteKind::kGemmB;
    }
    tied.copies.push_back(std::move(copy));
  }
  std::vector<TiedTensor> result;
  for (auto& [root, tied] : found) {
    if (tied.copies.size() > 1 || (tied.looked_up && tied.multiplied)) result.push_back(std::move(tied));
  }
  return result;
}

}  // namespace vetquant
