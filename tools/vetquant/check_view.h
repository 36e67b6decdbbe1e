// What `vetquant check` prints: a model's nodes by where they would run.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "vetquant/model/graph_index.h"
#include "vetquant/plan/target_check.h"

namespace vetquant::cli {

struct CheckFacts {
  const std::string& model;  // its file's name
  const GraphIndex& index;
  const TargetProfile& target;
  const TargetSupport& support;
  const TargetCheck& check;
  const std::vector<std::string>& steps;  // what --shape did
};

std::string check_text(const CheckFacts& facts);        // 100 columns, grouped
std::string check_nodes_text(const CheckFacts& facts);  // one line a node
nlohmann::ordered_json check_json(const CheckFacts& facts);

}  // namespace vetquant::cli
