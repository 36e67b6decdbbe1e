// What a model offers for quantization, before any policy: its sites, which of them share data, which copies are tied.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "roles.h"
#include "site.h"

namespace vetquant::plan {

struct Survey {
  std::vector<Site> sites;  // in node order
  std::vector<Content> contents;
  std::vector<KeptWeight> kept;  // float constants that are never quantized, and why
  std::vector<std::string> notes;
  std::vector<ValueType> types;                 // of all values
  std::vector<std::vector<int>> sites_of_node;  // by NodeId::value
  int64_t min_elements = 0;
  bool language_model = false;  // looks tokens up and gets no features: its only floats are caches (rank 4 and more)
};

// Reads no weights.
Survey survey_sites(const GraphIndex& index, const ConstantFinder& constants, std::vector<ValueType> types,
                    int64_t min_elements);

// Fills Content::tied_to. Reads a few hundred values of tensors that have an equal in shape.
void mark_ties(Survey& survey);

// Groups equal views; the swapped one of a known content joins it.
class ContentTable {
 public:
  explicit ContentTable(std::vector<Content>& contents) : contents_(&contents) {}
  struct Place {
    int content = -1;
    bool swapped = false;
  };
  Place find_or_add(const TensorView& view);

 private:
  std::vector<Content>* contents_;
  std::unordered_map<std::string, int> by_key_;
};

}  // namespace vetquant::plan
