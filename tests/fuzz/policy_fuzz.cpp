// Any text is a policy (a target profile, a statistics file) whose text reads back, or an Error of usage: nothing else may
// come out.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "vetquant/core/error.h"
#include "vetquant/policy/policy.h"
#include "vetquant/policy/statistics_file.h"
#include "vetquant/policy/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

template <class Parse>
void parse_twice(const std::string& text, const Parse& text_of) {
  std::string resolved;
  try {
    resolved = text_of(text);
  } catch (const vetquant::Error& error) {
    if (error.code() != vetquant::ErrorCode::kUsage) std::abort();
    return;
  }
  if (text_of(resolved) != resolved) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  parse_twice(text, [](const std::string& yaml) { return vetquant::parse_policy(yaml, "fuzz.yaml").text; });
  parse_twice(text, [](const std::string& yaml) { return vetquant::parse_target(yaml, "fuzz.yaml").text; });
  parse_twice(text,
              [](const std::string& yaml) { return vetquant::to_yaml(vetquant::parse_statistics(yaml, "fuzz.yaml")); });
  try {
    const vetquant::Policy policy = vetquant::parse_policy(text, "fuzz.yaml");
    for (const vetquant::Rule& rule : policy.rules) {
      vetquant::Matcher(rule).matches({.node_address = "/layers.0/fc1/MatMul",
                                       .scope_path = "",
                                       .domain = "",
                                       .op = "MatMul",
                                       .tensor_address = "w",
                                       .elements = 4096,
                                       .input = 1});
    }
  } catch (const vetquant::Error&) {
    // Refused, or an expression that takes too many steps.
  }
  return 0;
}
