// `accelerator:` and `operators:` of target profiles, read and written.
#pragma once

#include <string>
#include <vector>

#include "vetquant/policy/document.h"
#include "vetquant/policy/operator_support.h"

namespace vetquant {

Accelerator read_accelerator(const YamlValue& value);
OperatorSupport read_operator(const YamlValue& value);

// Rows of `own`, and those of `inherited` for the operators that no own row names.
std::vector<OperatorSupport> extended_operators(std::vector<OperatorSupport> own,
                                                const std::vector<OperatorSupport>& inherited);

std::string support_text(
    const TargetSupport& support);  // in one fixed spelling; what parse_target adds to a profile's text

// For support_of.
void remember_support(const std::string& digest, TargetSupport support);

}  // namespace vetquant
