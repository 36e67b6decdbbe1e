// Drives a fuzz target where there is no libFuzzer: replays a corpus, then mutations of it from a fixed seed. Not guided
// by coverage; it keeps known bad inputs known, and every compiler and sanitizer can run it.
//
//   loader_fuzz CORPUS... [-runs=N]      files or folders; N mutations in all (default 2000)

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t kMaxInput_bytes = 1 << 16;

Bytes read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(path)) {
    if (std::filesystem::exists(path)) files.push_back(path);
    return files;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());  // folders have no order of their own
  return files;
}

Bytes mutated(Bytes bytes, const Bytes& other, std::mt19937& random) {
  const int edits = 1 + static_cast<int>(random() % 8);
  for (int i = 0; i < edits; ++i) {
    const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
    const auto position = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random() % 6) {
      case 0:
        if (!bytes.empty()) bytes[at] ^= static_cast<std::uint8_t>(1u << (random() % 8));
        break;
      case 1:
        if (!bytes.empty()) bytes[at] = static_cast<std::uint8_t>(random());
        break;
      case 2:  // what lengths and varints dislike
        if (!bytes.empty()) bytes[at] = (random() % 2) ? 0xff : 0x80;
        break;
      case 3:
        bytes.insert(position, static_cast<std::uint8_t>(random()));
        break;
      case 4:
        bytes.resize(at);
        break;
      default:  // a piece of another input
        if (!other.empty()) {
          const std::size_t from = random() % other.size();
          const std::size_t count = std::min<std::size_t>(other.size() - from, random() % 64);
          const auto begin = other.begin() + static_cast<std::ptrdiff_t>(from);
          bytes.insert(position, begin, begin + static_cast<std::ptrdiff_t>(count));
        }
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  long runs = 2000;
  std::vector<Bytes> corpus;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("-runs=", 0) == 0) {
      runs = std::strtol(argument.c_str() + 6, nullptr, 10);
      continue;
    }
    for (const auto& path : files_of(argument)) {
      corpus.push_back(read(path));
      LLVMFuzzerTestOneInput(corpus.back().data(), corpus.back().size());
    }
  }
  std::printf("replayed %zu inputs\n", corpus.size());
  if (corpus.empty()) corpus.emplace_back();
  std::erase_if(corpus, [](const Bytes& bytes) { return bytes.size() > kMaxInput_bytes; });
  if (corpus.empty()) corpus.emplace_back();
  std::mt19937 random(20240601);
  for (long i = 0; i < runs; ++i) {
    const Bytes& base = corpus[random() % corpus.size()];
    const Bytes input = mutated(base, corpus[random() % corpus.size()], random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("ran %ld mutations\n", runs);
  return 0;
}
