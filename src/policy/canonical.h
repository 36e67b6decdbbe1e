// Policies and profiles in one fixed spelling: self-contained, and equal where the meaning is equal.
#pragma once

#include <string>

#include "vetquant/policy/policy.h"
#include "vetquant/policy/target.h"

namespace vetquant {

std::string canonical_text(const Policy& policy);
std::string canonical_text(const TargetProfile& target);

}  // namespace vetquant
