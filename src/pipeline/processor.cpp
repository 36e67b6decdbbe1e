#include "vetquant/pipeline/processor.h"

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace vetquant {
namespace {

// What follows "key : " in the first line of that key.
std::string value_of(const std::string& cpuinfo, const std::string& key) {
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (line.compare(0, key.size(), key) != 0 || colon == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

}  // namespace

Processor processor_of(const std::string& cpuinfo) {
  Processor processor;
  processor.name = value_of(cpuinfo, "model name");
  const std::string part = value_of(cpuinfo, "CPU part");  // ARM has no names
  if (processor.name.empty()) processor.name = part.empty() ? "unknown processor" : "ARM processor, part " + part;
  std::istringstream words(value_of(cpuinfo, part.empty() ? "flags" : "Features"));
  const std::set<std::string> flags{std::istream_iterator<std::string>(words), {}};
  if (flags.contains("avx512_vnni") || flags.contains("avx_vnni")) {
    processor.instruction_set = "avx512_vnni";
  } else if (flags.contains("avx2")) {
    processor.instruction_set = "avx2";
  } else if (flags.contains("asimddp")) {
    processor.instruction_set = "neon_dotprod";
  }
  return processor;
}

Processor this_processor() {
  std::ifstream file("/proc/cpuinfo");
  return processor_of({std::istreambuf_iterator<char>(file), {}});
}

}  // namespace vetquant
