// The built-in algorithms, one function each.
#pragma once

#include <memory>

#include "vetquant/quant/algorithm.h"

namespace vetquant {

std::shared_ptr<const Algorithm> make_rtn();
std::shared_ptr<const Algorithm> make_mse();

}  // namespace vetquant
