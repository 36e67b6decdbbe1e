// ONNX Runtime's shared library, opened at run time from a path, so that a model can be judged on the very runtime that
// it will ship with. Only its C API is used (version 24; older libraries down to API 11 are taken as far as they go).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace vetquant {

// Where the library is: `wished` if given, else $VETQUANT_ONNXRUNTIME_LIB, else lib/vetquant/ beside the program or beside
// its bin/ folder. A folder means <folder>/libonnxruntime.so or <folder>/lib/libonnxruntime.so.
// Error{kUsage} naming every place that was tried.
std::filesystem::path find_runtime_library(const std::filesystem::path& wished = {});

class RuntimeLibrary {
 public:
  // Error{kUsage}: not loadable, not ONNX Runtime, or too old. The library is never unloaded (it has threads of its own).
  static std::shared_ptr<const RuntimeLibrary> open(const std::filesystem::path& path);
  ~RuntimeLibrary();
  RuntimeLibrary(const RuntimeLibrary&) = delete;
  RuntimeLibrary& operator=(const RuntimeLibrary&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::string& version() const { return version_; }  // "1.32.0"

  struct Api;  // src/runtime/ort_api.h
  const Api& api() const { return *api_; }

 private:
  RuntimeLibrary();
  std::filesystem::path path_;
  std::string version_;
  std::unique_ptr<Api> api_;
};

}  // namespace vetquant
