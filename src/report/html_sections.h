// The sections of the HTML report; each is empty where the report has nothing of its kind.
#pragma once

#include <string>

#include "vetquant/report/read_report.h"

namespace vetquant {

std::string model_label(const Judgement& judgement, size_t model);  // "2 langid-int8", markup

std::string models_section(const Judgement& judgement);
std::string gates_section(const Judgement& judgement, const std::vector<GateResult>& gates);
std::string scatter_section(const Judgement& judgement);
std::string differences_section(const Judgement& judgement);
std::string sizes_section(const Judgement& judgement);     // html_sizes.cpp
std::string examples_section(const Judgement& judgement);  // html_details.cpp, as all below
std::string weights_section(const std::vector<WeightErrors>& weights);
std::string operators_section(const Judgement& judgement);
std::string confusion_section(const Judgement& judgement);
std::string run_section(const Judgement& judgement);

}  // namespace vetquant
