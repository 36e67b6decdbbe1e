// A Whisper of ten tokens, and speech test sets for it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "eval/sound_support.h"
#include "runtime/support.h"
#include "support/error_of.h"
#include "vetquant/eval/judge.h"
#include "vetquant/eval/speech.h"

namespace vetquant::test {

inline std::string message_of(const std::function<void()>& action) { return error_of(action).what(); }

inline constexpr int64_t kVocabulary = 10;
enum Token : int64_t { kG, kA, kD, kSpace, kEnd, kStart, kNoTimestamps, kTime, kEnglish, kTranscribe };
inline const std::string kWhisperTokens = R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "model": {"type": "BPE", "vocab": {"g": 0, "a": 1, "d": 2, "Ġ": 3}, "merges": []},
    "added_tokens": [{"id": 4, "content": "<|endoftext|>", "special": true},
                     {"id": 5, "content": "<|startoftranscript|>", "special": true},
                     {"id": 6, "content": "<|notimestamps|>", "special": true},
                     {"id": 7, "content": "<|0.00|>", "special": true},
                     {"id": 8, "content": "<|en|>", "special": true},
                     {"id": 9, "content": "<|transcribe|>", "special": true}]})";

inline TestModel encoder() {
  TestModel model;
  auto graph = model.main();
  graph.input("input_features", kFloat, {1, 80, -1}).output("last_hidden_state", kFloat, {1, 1, 1});
  graph.node("ReduceMean", {"input_features"}, {"last_hidden_state"}, "mean");
  return model;
}

inline std::vector<float> one_hot_rows(const std::vector<Token>& rows) {
  std::vector<float> table(rows.size() * kVocabulary, 0);
  for (size_t row = 0; row < rows.size(); ++row) table[row * kVocabulary + static_cast<size_t>(rows[row])] = 1;
  return table;
}

// After the prompt it says `first`, whatever was heard; its caches are the tokens and the encoder's state.
inline TestModel decoder(Token first, bool caches = true) {
  TestModel model;
  auto graph = model.main();
  graph.input("input_ids", kInt64, {1, -1}).input("encoder_hidden_states", kFloat, {1, 1, 1});
  graph.output("logits", kFloat, {1, -1, kVocabulary});
  graph.floats("table", {kVocabulary, kVocabulary},
               one_hot_rows({kA, kD, kEnd, kEnd, kEnd, kEnd, first, kEnd, kEnd, kEnd}));
  graph.node("Gather", {"table", "input_ids"}, {"logits"}, "lookup");
  if (!caches) return model;
  graph.output("present.0.decoder.key", kFloat, {1, 1, -1, 1}).output("present.0.encoder.key", kFloat, {1, 1, 1, 1});
  graph.int64s("row", {4}, {1, 1, -1, 1});
  set_int(graph.node("Cast", {"input_ids"}, {"floats"}, "cast"), "to", 1);
  graph.node("Reshape", {"floats", "row"}, {"present.0.decoder.key"}, "keep");
  graph.node("Reshape", {"encoder_hidden_states", "row"}, {"present.0.encoder.key"}, "keep_cross");
  return model;
}

// Says row n of `rows` where its cache holds n tokens.
inline TestModel decoder_with_past(const std::vector<Token>& rows) {
  TestModel model;
  auto graph = model.main();
  graph.input("input_ids", kInt64, {1, -1});
  graph.input("past_key_values.0.decoder.key", kFloat, {1, 1, -1, 1});
  graph.input("past_key_values.0.encoder.key", kFloat, {1, 1, 1, 1});
  graph.output("logits", kFloat, {1, -1, kVocabulary}).output("present.0.decoder.key", kFloat, {1, 1, -1, 1});
  graph.floats("table", {static_cast<int64_t>(rows.size()), kVocabulary}, one_hot_rows(rows));
  graph.int64s("row", {4}, {1, 1, -1, 1}).int64s("axis", {1}, {2}).int64s("one", {2}, {1, 1});
  set_int(graph.node("Cast", {"input_ids"}, {"floats"}, "cast"), "to", 1);
  graph.node("Reshape", {"floats", "row"}, {"latest"}, "latest");
  set_int(graph.node("Concat", {"past_key_values.0.decoder.key", "latest"}, {"present.0.decoder.key"}, "grow"), "axis",
          2);
  graph.node("Shape", {"past_key_values.0.decoder.key"}, {"shape"}, "shape");
  graph.node("Gather", {"shape", "axis"}, {"length"}, "length");
  graph.node("Reshape", {"length", "one"}, {"index"}, "index");
  graph.node("Gather", {"table", "index"}, {"picked"}, "lookup");
  // What was heard is never 0; without it there is nothing to say.
  std::vector<float> end(kVocabulary, 0);
  end[kEnd] = 10;
  graph.floats("nought", {1}, std::vector<float>{0}).floats("end", {kVocabulary}, end).int64s("flat", {1}, {1});
  graph.node("Reshape", {"past_key_values.0.encoder.key", "flat"}, {"heard"}, "heard");
  graph.node("Equal", {"heard", "nought"}, {"deaf"}, "deaf");
  set_int(graph.node("Cast", {"deaf"}, {"is_deaf"}, "is_deaf"), "to", 1);
  graph.node("Mul", {"end", "is_deaf"}, {"silence"}, "silence");
  graph.node("Add", {"picked", "silence"}, {"logits"}, "add");
  return model;
}

// Both in one file, as `use_cache_branch` says.
inline TestModel merged_decoder(const std::vector<Token>& rows) {
  TestModel first = decoder(kG), later = decoder_with_past(rows), model;
  auto graph = model.main();
  graph.input("input_ids", kInt64, {1, -1}).input("encoder_hidden_states", kFloat, {1, 1, 1});
  graph.input("past_key_values.0.decoder.key", kFloat, {1, 1, -1, 1});
  graph.input("past_key_values.0.encoder.key", kFloat, {1, 1, 1, 1});
  graph.input("use_cache_branch", onnx::TensorProto::BOOL, {1});
  graph.output("logits", kFloat, {1, -1, kVocabulary});
  graph.output("present.0.decoder.key", kFloat, {1, 1, -1, 1});
  graph.output("present.0.encoder.key", kFloat, {1, 1, 1, 1});
  auto& branch =
      graph.node("If", {"use_cache_branch"}, {"logits", "present.0.decoder.key", "present.0.encoder.key"}, "branch");
  later.main().output("present.0.encoder.key", kFloat, {1, 1, 1, 1});
  later.main().node("Identity", {"past_key_values.0.encoder.key"}, {"present.0.encoder.key"}, "pass");
  for (const auto& [name, body] : {std::pair("then_branch", &later), std::pair("else_branch", &first)}) {
    subgraph(branch, name).proto() = body->main().proto();
    subgraph(branch, name).proto().clear_input();
  }
  return model;
}

inline const std::vector<Token> kAdThenEnd = {kG, kG, kA, kD, kTime, kEnd, kEnd};

struct Speech {
  TempFolder folder;

  std::filesystem::path sub(const std::string& name) const {
    std::filesystem::create_directories(folder.path() / name);
    return folder.path() / name;
  }
  // A folder as the exporter writes it; `first` is what it says first.
  std::filesystem::path whisper(const std::string& name, Token first = kG) const {
    const auto path = sub(name);
    folder.write(name + "/encoder_model.onnx", encoder());
    folder.write(name + "/decoder_model.onnx", decoder(first));
    folder.write(name + "/decoder_with_past_model.onnx", decoder_with_past(kAdThenEnd));
    folder.write(name + "/tokenizer.json", kWhisperTokens);
    folder.write(name + "/preprocessor_config.json", R"({"nb_max_frames": 100})");
    return path;
  }
  std::filesystem::path set(const std::string& items, const std::string& keys = "") const {
    folder.write("items.csv", items);
    write_sound(folder.path() / "a.wav", std::vector<float>(8000, 0.1F), 16000, 1);
    return folder.write("set.yaml", "version: 1\ntask: speech\nitems: items.csv\n" + keys);
  }
  JudgeOptions options(const std::vector<std::filesystem::path>& models) const {
    JudgeOptions options;
    options.models = models;
    options.runtime_library = find_runtime_library();
    options.worker = worker_program();
    options.timed_rounds = 0;
    options.statistics.resamples = 200;
    options.count_operators = CountOperators::kNo;
    return options;
  }
  Judgement judged(const std::vector<std::filesystem::path>& models,
                   const std::string& items = "file,text\na.wav,gad\n", const std::string& keys = "") const {
    return judge(load_test_set(set(items, keys)), options(models));
  }
};

inline double value(const ModelResult& model, const std::string& key) {
  const Metric* metric = find_metric(model, key);
  EXPECT_NE(metric, nullptr) << key;
  return metric ? metric->value.value : std::nan("");
}

}  // namespace vetquant::test
