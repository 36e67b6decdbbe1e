// Every complaint that a user of policy files can reach, word for word.
#include <gtest/gtest.h>

#include "support/error_of.h"
#include "vetquant/policy/policy.h"

namespace vetquant {
namespace {

using test::error_of;

std::string complaint(const std::string& text) {
  const Error error = error_of([&] { parse_policy(text, "p.yaml"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage) << text;
  return error.what();
}

std::string about_use(const std::string& use) { return complaint("version: 1\ndefaults: " + use + "\n"); }
std::string about_match(const std::string& match) {
  return complaint("version: 1\nrules:\n  - match: " + match + "\n    use: keep\n");
}

TEST(PolicyErrors, UnknownKeysSuggestTheNearest) {
  EXPECT_EQ(complaint("version: 1\ntargt: x\n"), "p.yaml:2:1: unknown key 'targt' in policy; did you mean 'target'?");
  EXPECT_EQ(about_use("{wieghts: int8}"), "p.yaml:2:12: unknown key 'wieghts' in defaults; did you mean 'weights'?");
  EXPECT_EQ(about_match("{nodes: x}"), "p.yaml:3:13: unknown key 'nodes' in match; did you mean 'node'?");
  EXPECT_EQ(complaint("version: 1\ntensors: {teid: together}\n"),
            "p.yaml:2:11: unknown key 'teid' in tensors; known: min_elements, tied, overridable");
  EXPECT_EQ(complaint("version: 1\nclean_up: {reshape_target: false}\n"),
            "p.yaml:2:12: unknown key 'reshape_target' in clean_up; did you mean 'reshape_targets'?");
  EXPECT_EQ(complaint("version: 1\nself_check: {sample: 3}\n"),
            "p.yaml:2:14: unknown key 'sample' in self_check; did you mean 'samples'?");
  EXPECT_EQ(complaint("version: 1\nbudget: {zzzzzzz: 1}\n"),
            "p.yaml:2:10: unknown key 'zzzzzzz' in budget; known: file, effective_bits");
}

TEST(PolicyErrors, UnknownWordsSuggestTheNearest) {
  EXPECT_EQ(complaint("version: 1\nself_check: {to: int8}\n"),
            "p.yaml:2:18: unknown type to put nodes back to 'int8'; known: fp32, uint16, int16");
  EXPECT_EQ(about_use("{weights: int7}"), "p.yaml:2:21: unknown type of weights 'int7'; did you mean 'int8'?");
  EXPECT_EQ(about_use("{activations: dynamc}"),
            "p.yaml:2:25: unknown kind of activations 'dynamc'; did you mean 'dynamic'?");
  EXPECT_EQ(about_use("{form: matmulnbits}"), "p.yaml:2:18: unknown form 'matmulnbits'; did you mean 'matmul_nbits'?");
  EXPECT_EQ(about_use("{scales: int8}"), "p.yaml:2:20: unknown type of scales 'int8'; known: fp32, fp16, log8");
  EXPECT_EQ(complaint("version: 1\ncalibration: {method: entropi}\n"),
            "p.yaml:2:23: unknown calibration method 'entropi'; did you mean 'entropy'?");
  EXPECT_EQ(about_use("kep"), "p.yaml:2:11: unknown defaults (a map, or the word) 'kep'; did you mean 'keep'?");
  EXPECT_EQ(complaint("version: 1\non_unsupported: next_rule\n"),
            "p.yaml:2:17: unknown on_unsupported 'next_rule'; did you mean 'next-rule'?");
  EXPECT_EQ(complaint("version: 1\ntensors: {tied: apar}\n"),
            "p.yaml:2:17: unknown kind of tied 'apar'; did you mean 'apart'?");
}

TEST(PolicyErrors, TheVersionIsRequired) {
  EXPECT_EQ(complaint("defaults: keep\n"), "p.yaml:1:1: policy needs the key 'version'");
  EXPECT_EQ(complaint("version: 2\n"), "p.yaml:1:10: version must be an integer from 1 to 1, not '2'");
  EXPECT_EQ(complaint("version:\n"), "p.yaml:1:1: 'version' has no value");
  EXPECT_EQ(complaint("just text\n"), "p.yaml:1:1: policy must be a map, not 'just text'");
}

TEST(PolicyErrors, ARuleHasAMatchAndAUse) {
  EXPECT_EQ(complaint("version: 1\nrules:\n  - use: keep\n"), "p.yaml:3:5: rule needs the key 'match'");
  EXPECT_EQ(complaint("version: 1\nrules:\n  - match: {op: Conv}\n"), "p.yaml:3:5: rule needs the key 'use'");
  EXPECT_EQ(about_match("{}"), "p.yaml:3:12: a match without conditions; to match every node write match: {op: \"*\"}");
  EXPECT_EQ(complaint("version: 1\nrules: {a: b}\n"), "p.yaml:2:8: rules must be a list, not a map");
}

TEST(PolicyErrors, MatchesThatCanNeverHoldAreRefused) {
  EXPECT_EQ(about_match("{min_elements: 9, max_elements: 8}"),
            "p.yaml:3:12: min_elements is above max_elements: this rule can match nothing");
  EXPECT_EQ(about_match("{between: [a]}"), "p.yaml:3:22: between takes two values, [from, to]");
  EXPECT_EQ(about_match("{op: []}"), "p.yaml:3:17: op is an empty list");
  EXPECT_EQ(about_match("{min_elements: -1}"),
            "p.yaml:3:27: min_elements must be an integer from 0 to 4611686018427387904, not '-1'");
}

TEST(PolicyErrors, BadRegularExpressionsSayWhere) {
  EXPECT_EQ(about_match("{node_regex: \"fc(1|2\"}"),
            "p.yaml:3:25: node_regex 'fc(1|2' is no regular expression: missing closing parenthesis (at offset 6)");
  const std::string deep(60, '(');
  EXPECT_EQ(about_match("{node_regex: \"" + deep + "\"}").substr(0, 40),
            "p.yaml:3:25: node_regex '" + deep.substr(0, 15));
  EXPECT_NE(about_match("{node_regex: \"" + std::string(5000, 'a') + "\"}").find("longer than 4096"),
            std::string::npos);
}

TEST(PolicyErrors, WishesThatExcludeEachOtherAreRefused) {
  EXPECT_EQ(about_use("{weights: int4, block: 32, granularity: channel}"),
            "p.yaml:2:51: granularity 'channel' and a block exclude each other; remove one");
  EXPECT_EQ(about_use("{weights: int4, symmetric: true, zero_point: float}"),
            "p.yaml:2:56: symmetric codes have no zero point; remove zero_point or write symmetric: false");
  EXPECT_EQ(about_use("{weights: int8, compute: fp16}"),
            "p.yaml:2:36: compute is for weights of fp16 and bf16, not for int8");
  EXPECT_EQ(about_use("{weights: fp16, block: 32}"), "p.yaml:2:34: block is for integer weights, not for fp16");
  EXPECT_EQ(about_use("{helpers: [smooth_quant]}"),
            "p.yaml:2:22: unknown helper 'smooth_quant'; this version has none");
}

TEST(PolicyErrors, NumbersAreBounded) {
  EXPECT_EQ(about_use("{block: 0}"), "p.yaml:2:19: block must be an integer from 1 to 1048576, not '0'");
  EXPECT_EQ(about_use("{accuracy_level: 5}"), "p.yaml:2:28: accuracy_level must be an integer from 0 to 4, not '5'");
  EXPECT_EQ(about_use("{symmetric: yes}"), "p.yaml:2:23: symmetric must be true or false, not 'yes'");
  EXPECT_EQ(complaint("version: 1\nbudget: {effective_bits: 0}\n"),
            "p.yaml:2:26: effective_bits must be a number from 0.5 to 64, not '0'");
  EXPECT_EQ(complaint("version: 1\nbudget: {file: many}\n"),
            "p.yaml:2:16: file must be a size such as 400MB or 1GiB, not 'many'");
}

TEST(PolicyErrors, AGateHasABound) {
  EXPECT_EQ(complaint("version: 1\ngates:\n  - {test_set: a, metric: wer}\n"),
            "p.yaml:3:5: a gate without a bound; write max_increase, max_decrease, min, max or keep");
  EXPECT_EQ(complaint("version: 1\ngates:\n  - {metric: wer, max: 1}\n"), "p.yaml:3:5: gate needs the key 'test_set'");
}

TEST(PolicyErrors, TheSameKeyTwiceIsAnError) {
  EXPECT_EQ(complaint("version: 1\ntarget: a\ntarget: b\n"), "p.yaml:3:1: key 'target' stands twice in this map");
  EXPECT_EQ(about_use("{weights: int8, weights: int4}"), "p.yaml:2:27: key 'weights' stands twice in this map");
}

TEST(PolicyErrors, ControlCharactersOfAFileNeverReachTheTerminal) {
  EXPECT_EQ(complaint("version: 1\n\"\\e[2J\": x\n").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace vetquant
