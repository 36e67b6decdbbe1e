#include "coupling.h"

#include <algorithm>

namespace vetquant::plan {
namespace {

class Coupler {
 public:
  Coupler(const Decider& decider, std::vector<Choice>& choices)
      : decider_(decider), survey_(decider.context().survey), choices_(choices) {}

  int run() {
    for (const std::vector<int>& sites : survey_.sites_of_node) {
      if (sites.size() < 2) continue;
      couple_lstm(sites);
      clear_beside_rewritten(sites);
      store_halves_beside_codes(sites);
    }
    return changed_;
  }

 private:
  Choice& choice(int site) { return choices_[static_cast<size_t>(site)]; }

  void redecide(int site, const FormSet& forbidden) {
    choice(site) = decider_.decide(survey_.sites[static_cast<size_t>(site)], forbidden);
    ++changed_;
  }

  void couple_lstm(const std::vector<int>& sites) {
    std::vector<int> matrices;
    for (int site : sites) {
      if (survey_.sites[static_cast<size_t>(site)].kind == SiteKind::kLstmWeight) matrices.push_back(site);
    }
    const auto dynamic = [&](int site) { return choice(site).form == Form::kDynamicLstm; };
    if (std::none_of(matrices.begin(), matrices.end(), dynamic)) return;
    const Choice& first = choice(matrices[0]);
    const bool together = matrices.size() == 2 && std::all_of(matrices.begin(), matrices.end(), dynamic) &&
                          first.spec.code_type == choice(matrices[1]).spec.code_type &&
                          first.placement.layout == choice(matrices[1]).placement.layout;
    if (together) return;
    for (int site : matrices) {
      if (dynamic(site)) redecide(site, {Form::kDynamicLstm});
    }
  }

  // A rewritten node has its own ideas about its other inputs: they stay as they are.
  void clear_beside_rewritten(const std::vector<int>& sites) {
    const auto rewrites = [&](int site) {
      const Form form = choice(site).form;
      return form != Form::kKeep && !is_storage_only(form) && form != Form::kHalfCompute;
    };
    const auto main = std::find_if(sites.begin(), sites.end(), rewrites);
    if (main == sites.end()) return;
    const Form form = choice(*main).form;
    for (int site : sites) {
      Choice& other = choice(site);
      if (other.form == Form::kKeep || other.form == form) continue;
      other.form = Form::kKeep;
      other.reason.text = "the node is rewritten as " + std::string(name_of(form)) + "; its other inputs stay float";
      ++changed_;
    }
  }

  void store_halves_beside_codes(const std::vector<int>& sites) {
    const bool has_codes = std::any_of(sites.begin(), sites.end(), [&](int site) {
      return choice(site).form != Form::kKeep && !is_half(choice(site).form);
    });
    if (!has_codes) return;
    for (int site : sites) {
      if (choice(site).form != Form::kHalfCompute) continue;
      choice(site).form = Form::kHalfStorage;
      choice(site).reason.text = "fp16 stored, cast to float once at load: another weight of the node is not fp16";
      ++changed_;
    }
  }

  const Decider& decider_;
  const Survey& survey_;
  std::vector<Choice>& choices_;
  int changed_ = 0;
};

}  // namespace

int couple(const Decider& decider, std::vector<Choice>& choices) { return Coupler(decider, choices).run(); }

}  // namespace vetquant::plan
