// For tools/crosscheck/tokenizer.py: each line of stdin is a text as a JSON string; prints its ids, a tab, and the text that
// they decode to, special tokens kept, as a JSON string.
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "vetquant/eval/tokenizer.h"

namespace {

int run(const char* file) {
  const auto tokenizer = vetquant::Tokenizer::load(file);
  for (std::string line; std::getline(std::cin, line);) {
    const auto ids = tokenizer.encode(nlohmann::json::parse(line).get<std::string>());
    for (const auto id : ids) std::cout << id << ' ';
    std::cout << '\t' << nlohmann::json(tokenizer.decode(ids, vetquant::SpecialTokens::kKeep)).dump() << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2) return run(argv[1]);
    std::fputs("vetquant_tokenize TOKENIZER.json < JSON-strings\n", stderr);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
