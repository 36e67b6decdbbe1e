// Any text is a policy (or a target profile) whose text reads back, or an Error of usage: nothing else may come out.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "vetquant/core/error.h"
#include "vetquant/policy/policy.h"
#include "vetquant/policy/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

template <class Parse>
void parse_twice(const std::string& text, const Parse& parse) {
  std::string resolved;
  try {
    resolved = parse(text).text;
  } catch (const vetquant::Error& error) {
    if (error.code() != vetquant::ErrorCode::kUsage) std::abort();
    return;
  }
  if (parse(resolved).text != resolved) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  parse_twice(text, [](const std::string& yaml) { return vetquant::parse_policy(yaml, "fuzz.yaml"); });
  parse_twice(text, [](const std::string& yaml) { return vetquant::parse_target(yaml, "fuzz.yaml"); });
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
