// A folder of our own below the system's temporary one ($TMPDIR), gone with this object.
#pragma once

#include <filesystem>
#include <string>

namespace vetquant {

class TemporaryFolder {
 public:
  explicit TemporaryFolder(
      const std::string& purpose);  // "judge": vetquant-judge-4fQ2xw. Error{kIo} where none can be made
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace vetquant
