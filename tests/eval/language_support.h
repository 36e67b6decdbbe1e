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

// What follows depends on all tokens before: their rows of the table are summed up. With caches it is read in pieces.
inline TestModel summing_model(const std::vector<float>& table, bool caches) {
  TestModel model;
  auto graph = model.main();
  const std::vector<int64_t> one = {1}, two = {2}, end = {1 << 30};
  graph.input("input_ids", kInt64, {1, -1}).output("logits", kFloat, {1, -1, 4});
  graph.floats("table", {4, 4}, table).int64s("one", {1}, one).int64s("two", {1}, two).int64s("end", {1}, end);
  graph.node("Gather", {"table", "input_ids"}, {"looked_up"}, "lookup");
  graph.node("Unsqueeze", {"looked_up", "one"}, {"rows"}, "rows");
  if (!caches) {
    graph.node("CumSum", {"rows", "two"}, {"sums"}, "sum");
    graph.node("Squeeze", {"sums", "one"}, {"logits"}, "squeeze");
    return model;
  }
  graph.input("past_key_values.0.key", kFloat, {1, 1, -1, 4}).output("present.0.key", kFloat, {1, 1, -1, 4});
  auto& past = *model.main().proto().mutable_input(1)->mutable_type()->mutable_tensor_type()->mutable_shape();
  past.mutable_dim(2)->set_dim_param("past_sequence_length");
  set_int(graph.node("Concat", {"past_key_values.0.key", "rows"}, {"present.0.key"}, "grow"), "axis", 2);
  graph.node("CumSum", {"present.0.key", "two"}, {"sums"}, "sum");
  graph.node("Shape", {"past_key_values.0.key"}, {"past_shape"}, "shape");
  graph.node("Gather", {"past_shape", "two"}, {"past_length"}, "length");
  graph.node("Slice", {"sums", "past_length", "end", "two"}, {"new_sums"}, "new");
  graph.node("Squeeze", {"new_sums", "one"}, {"logits"}, "squeeze");
  return model;
}

// After an "a", "b" has probability 1/2 and the others 1/6; after others all have 1/4.
inline std::vector<float> b_follows_a() {
  std::vector<float> table(16, 0);
  table[1] = 1.0986123F;  // ln 3
  return table;
}

}  // namespace vetquant::test
