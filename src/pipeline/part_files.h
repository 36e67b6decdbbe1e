// Which files a part is made of: one model, or a folder as exporters write it (graphs, tokenizer.json, settings).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vetquant/pipeline/build.h"

namespace vetquant {

struct PartGraph {
  std::string name;  // of its file
  std::filesystem::path path;
  std::string policy;
  std::vector<ShapeBinding>
      shapes;  // all of the part's, where it is one file; else those of inputs that this graph has
};

struct PartFiles {
  bool is_folder = false;
  std::vector<PartGraph> graphs;                  // sorted by name, or as the system names them
  std::vector<std::filesystem::path> side_files;  // sorted
};

// Error{kUsage} at the system's position: a folder without graphs, a name that is none of them, graphs named of a file.
// Error{kIo}: no such model.
PartFiles files_of_part(const SystemPart& part);

// Where things go: "langid.onnx", or "speech/encoder_model.onnx" of a folder; locks and reports always beside them.
std::string output_name(const SystemPart& part, const PartFiles& files, const std::string& graph);
std::string lock_name(const SystemPart& part, const PartFiles& files, const std::string& graph);

}  // namespace vetquant
