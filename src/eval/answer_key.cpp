#include "answer_key.h"

#include <fstream>

#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/eval/reduced_set.h"
#include "vetquant/model/model.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

std::string file_digest(const fs::path& path) { return digest_of(*ReadFile::open(path, ErrorCode::kUsage)); }

// With what a processor can do the runtime's kernels differ, and so do answers.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string text;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    for (const char* wanted : {"model name", "flags", "Features", "CPU part"}) {
      if (line.starts_with(wanted)) text += line + "\n";
    }
  }
  return text;
}

std::string graph_digest(const fs::path& path) {
  try {
    return Model::load(path)->digest();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    return file_digest(path);  // nothing that vetquant can read; the runtime may
  }
}

}  // namespace

std::string circumstances_digest(const TestSet& set, const JudgeOptions& options) {
  return digest_of("set " + content_digest(set.path) + " " + set.name + "\nruntime " +
                   file_digest(options.runtime_library) + "\nsession " + describe(options.session) + "\nprogram " +
                   file_digest(options.worker.path) + "\nprocessor " + processor());
}

std::string answer_key(const std::string& circumstances, const std::vector<fs::path>& graphs,
                       const std::vector<fs::path>& other_files) {
  std::string text = circumstances + "\n";
  for (const fs::path& graph : graphs) text += "graph " + graph_digest(graph) + "\n";
  for (const fs::path& file : other_files) text += file.filename().string() + " " + file_digest(file) + "\n";
  return digest_of(text);
}

}  // namespace vetquant
