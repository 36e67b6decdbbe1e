#include "expectation.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "vetquant/plan/describe.h"

namespace vetquant::plan {
namespace {

constexpr double kSlower = 1.05;  // less than that is within what two measurements of one form differ

bool is_product(const Site& site) { return site.kind == SiteKind::kMatMulB || site.kind == SiteKind::kGemmB; }

std::string two_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

int64_t rows_counted(const PlannedNode& node) { return std::max<int64_t>(1, node.rows); }

struct Slower {
  size_t count = 0;
  double worst = 1;
  int64_t rows = 1;  // of the worst
};

}  // namespace

std::optional<double> expected_share(const CostTable& costs, const Site& site, const Choice& choice, const Rows& rows) {
  if (!is_product(site) || costs.products.empty()) return std::nullopt;
  if (choice.form == Form::kFoldAtLoad || choice.form == Form::kHalfStorage) return 1.0;
  const std::optional<FormChoice> form = choice_of(choice.form);
  if (!form || is_half(choice.form)) return std::nullopt;
  const Shape& matrix = site.view.shape();
  return costs.share(
      {.form = *form, .weight_bits = bits_of(choice.stored_type), .accuracy_level = choice.accuracy_level},
      {.k = matrix[0], .n = matrix[1], .rows = rows.unknown() ? 1 : rows.count});
}

void note_expectations(const TargetProfile& target, Plan& plan) {
  double in_float = 0, expected = 0;
  size_t count = 0, assumed = 0;
  std::map<Form, Slower> slower;
  for (const PlannedNode& node : plan.nodes) {
    if (!node.expected_share || node.tensors.empty()) continue;
    const double work = static_cast<double>(plan.tensors[static_cast<size_t>(node.tensors[0])].elements) *
                        static_cast<double>(rows_counted(node));
    in_float += work;
    expected += work * *node.expected_share;
    ++count;
    assumed += node.rows < 0 ? 1 : 0;
    if (*node.expected_share <= kSlower) continue;
    Slower& form = slower[node.form];
    ++form.count;
    if (*node.expected_share > form.worst) {
      form.worst = *node.expected_share;
      form.rows = rows_counted(node);
    }
  }
  if (count == 0) return;
  const auto products = [](size_t number) { return std::to_string(number) + (number == 1 ? " product" : " products"); };
  plan.notes.push_back(products(count) + " should take " + two_digits(expected / in_float) + " of float's time on " +
                       target.name +
                       (assumed > 0 ? "; one row assumed for " + std::to_string(assumed) +
                                          ", as theirs are unknown (`--shape` or `--profile-on` tells them)"
                                    : std::string()) +
                       " (" + target.costs.source + ")");
  for (const auto& [form, found] : slower) {
    plan.warnings.push_back(products(found.count) + " in " + std::string(name_of(form)) +
                            " should be slower than float on " + target.name + ": up to " + two_digits(found.worst) +
                            " of its time, with " + std::to_string(found.rows) + (found.rows == 1 ? " row" : " rows"));
  }
}

}  // namespace vetquant::plan
