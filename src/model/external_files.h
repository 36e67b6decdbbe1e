// The external data files of one model. A model is hostile input: its files lie in its folder, or they are refused.
//
// A location is a relative path without "..", backslashes or NUL. Symbolic links are followed only as far as they stay
// inside the model's folder: the folder of the path as given or, where the model itself is a link (as in the hub's
// caches), the folder of the file that it leads to. Only regular files are opened, and opening never blocks.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vetquant/core/file.h"

namespace vetquant {

class ExternalFiles {
 public:
  explicit ExternalFiles(std::shared_ptr<const ReadFile> model_file);

  // Error{kBadModel} saying why the location is refused; `where` names the tensor.
  std::shared_ptr<const ReadFile> open(const std::string& location, const std::string& where);

  // The model file, then each external file once, in the order of first use.
  const std::vector<std::shared_ptr<const ReadFile>>& files() const { return files_; }

 private:
  std::shared_ptr<const ReadFile> open_inside(const std::string& location, const std::string& where) const;

  std::vector<std::filesystem::path> folders_;  // canonical
  std::vector<std::shared_ptr<const ReadFile>> files_;
  std::map<std::string, std::shared_ptr<const ReadFile>> by_location_;
};

}  // namespace vetquant
