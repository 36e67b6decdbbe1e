// A language of four tokens and models of it whose distributions stand in a table.
#pragma once

#include <string>
#include <vector>

#include "support/model_builder.h"

namespace vetquant::test {

inline const std::string kFourTokens = R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "Ġ": 2, "c": 3}, "merges": []}})";

// logits = table[input_ids]: what follows depends on the latest token alone.
inline TestModel bigram_model(const std::vector<float>& table, int64_t vocabulary = 4) {
  TestModel model;
  auto graph = model.main();
  graph.input("input_ids", kInt64, {1, -1}).output("logits", kFloat, {1, -1, vocabulary});
  graph.floats("table", {static_cast<int64_t>(table.size()) / vocabulary, vocabulary}, table);
  graph.node("Gather", {"table", "input_ids"}, {"logits"}, "lookup");
  return model;
}

// After an "a", "b" has probability 1/2 and the others 1/6; after others all have 1/4.
inline std::vector<float> b_follows_a() {
  std::vector<float> table(16, 0);
  table[1] = 1.0986123F;  // ln 3
  return table;
}

}  // namespace vetquant::test
