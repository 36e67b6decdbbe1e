#include "costs_text.h"

#include <array>

#include "use_reader.h"
#include "vetquant/policy/target.h"
#include "words.h"

namespace vetquant {
namespace {

constexpr int64_t kMostRows = int64_t{1} << 40;
constexpr int64_t kMostWidth = int64_t{1} << 31;
constexpr std::array<std::string_view, 4> kWeightsOfCosts = {"int8", "uint8", "int4", "uint4"};

ProductCost::Point read_point(const YamlValue& rows, const YamlValue& share) {
  return {.rows = rows.integer("rows", 1, kMostRows), .share = share.number("share of float's time", 1e-3, 1e3)};
}

ProductCost read_product(const YamlValue& value) {
  const YamlMap map(value, "product", words::kProductKeys);
  ProductCost cost;
  const YamlValue form = map.need("form");
  cost.form.form = static_cast<FormChoice>(form.word("form", words::kForm));
  const bool by_blocks = cost.form.form == FormChoice::kMatMulNBits;
  if (!by_blocks && cost.form.form != FormChoice::kDynamicInteger)
    form.fail("costs are known for products in matmul_nbits and dynamic_integer; others run as float");
  const size_t type = map.need("weights").word("type of weights", kWeightsOfCosts);
  cost.form.weight_bits = type < 2 ? 8 : 4;
  if (const auto v = map.find("accuracy_level")) {
    if (!by_blocks) v->fail("accuracy_level belongs to matmul_nbits");
    cost.form.accuracy_level = static_cast<int>(v->integer("accuracy_level", 0, 4));
  }
  cost.k = map.need("k").integer("k", 1, kMostWidth);
  cost.n = map.need("n").integer("n", 1, kMostWidth);
  const YamlValue shares = map.need("shares");
  for (const auto& [rows, share] : shares.entries("shares")) {
    const ProductCost::Point point = read_point(rows, share);
    if (!cost.points.empty() && cost.points.back().rows >= point.rows) rows.fail("rows must ascend");
    cost.points.push_back(point);
  }
  if (cost.points.empty()) shares.fail("shares must name at least one number of rows");
  return cost;
}

std::string product_text(const ProductCost& cost) {
  const bool by_blocks = cost.form.form == FormChoice::kMatMulNBits;
  std::string text =
      "{form: " + std::string(name_of(cost.form.form)) + ", weights: " + (cost.form.weight_bits == 8 ? "int8" : "int4");
  if (by_blocks) text += ", accuracy_level: " + std::to_string(cost.form.accuracy_level);
  text += ", k: " + std::to_string(cost.k) + ", n: " + std::to_string(cost.n) + ", shares: {";
  for (size_t i = 0; i < cost.points.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(cost.points[i].rows) + ": " + yaml_number(cost.points[i].share);
  }
  return text + "}}";
}

}  // namespace

CostTable read_costs(const YamlValue& value) {
  const YamlMap map(value, "costs", words::kCostKeys);
  CostTable costs;
  costs.source = map.need("source").text("source");
  for (const YamlValue& product : map.need("products").list("products"))
    costs.products.push_back(read_product(product));
  return costs;
}

std::string costs_text(const CostTable& costs) {
  if (costs.products.empty()) return {};
  std::string text = "costs:\n  source: " + yaml_text(costs.source) + "\n  products:\n";
  for (const ProductCost& cost : costs.products) text += "    - " + product_text(cost) + "\n";
  return text;
}

}  // namespace vetquant
