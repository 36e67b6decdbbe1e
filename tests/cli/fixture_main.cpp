// What the golden runs need beside the program:
//   fixture models FOLDER           writes all models
//   fixture sparse MODEL BYTES      writes a large model that takes no disk
//   fixture json FILE [POINTER...]  checks that FILE is one JSON document, prints what the pointers name, one a line
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fixture_models.h"

namespace {

int print_json(const std::vector<std::string>& arguments) {
  std::ifstream in(arguments.at(1));
  const auto document = nlohmann::ordered_json::parse(in);
  for (size_t i = 2; i < arguments.size(); ++i) {
    const auto& value = document.at(nlohmann::ordered_json::json_pointer(arguments[i]));
    std::cout << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
  }
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  const std::string& what = arguments.at(0);
  if (what == "models") return vetquant::test::write_fixture_models(arguments.at(1)), 0;
  if (what == "sparse") return vetquant::test::write_sparse_model(arguments.at(1), std::stoll(arguments.at(2))), 0;
  if (what == "json") return print_json(arguments);
  std::fputs("fixture models FOLDER | sparse MODEL BYTES | json FILE [POINTER...]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fixture: %s\n", error.what());
    return 1;
  }
}
