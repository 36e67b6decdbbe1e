// A build's manifest for CI: JUnit (each part, each gate and the budget is a test case; a part that was not built or not
// judged is skipped) and Markdown for a pull request (the verdict, one table, the gates that failed).
#pragma once

#include <string>

#include "vetquant/pipeline/manifest.h"

namespace vetquant {

std::string manifest_junit(const Manifest& manifest);
std::string manifest_markdown(const Manifest& manifest);

}  // namespace vetquant
