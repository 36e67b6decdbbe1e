// How long a matrix product takes in each output form, as a share of its time in float: what a target profile measured
// (`costs:`, docs/targets.md; `vetquant targets measure` makes one).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/policy/policy.h"

namespace vetquant {

// What the time of x[rows, K] @ W[K, N] hangs on besides its size. Gemm counts as MatMul.
struct ProductForm {
  FormChoice form = FormChoice::kMatMulNBits;
  int weight_bits = 8;     // 4 or 8
  int accuracy_level = 0;  // MatMulNBits; 0 for the others
  bool operator==(const ProductForm&) const = default;
};

struct ProductSize {
  int64_t k = 0, n = 0;
  int64_t rows = 0;
};

struct ProductCost {  // one line: a form and a matrix, measured at some numbers of rows
  ProductForm form;
  int64_t k = 0, n = 0;
  struct Point {
    int64_t rows = 0;
    double share = 1;  // of float's time
  };
  std::vector<Point> points;  // ascending rows, at least one
};

struct CostTable {
  std::string source;  // where the figures come from: shown beside what is expected
  std::vector<ProductCost> products;

  // Between the measured points the share is linear in log(rows), and between matrices in log(K N); outside it is that of the
  // nearest point. Nothing where no line has this form.
  std::optional<double> share(const ProductForm& form, const ProductSize& size) const;
};

// "costs:\n  source: ...", as a target profile has it: the same text for the same table. "" for an empty one.
std::string costs_text(const CostTable& costs);

}  // namespace vetquant
