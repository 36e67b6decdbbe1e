#include "external_files.h"

#include <algorithm>
#include <system_error>

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& location, const std::string& why, const std::string& where) {
  throw Error(ErrorCode::kBadModel, "external data '" + printable(location) + "' " + why, where);
}

void check_spelling(const std::string& location, const std::string& where) {
  if (location.empty()) refuse(location, "names no file", where);
  if (location.find('\0') != std::string::npos) refuse(location, "has a NUL character in its path", where);
  if (location.find('\\') != std::string::npos) {
    refuse(location, "has a backslash in its path; ONNX wants '/' between folders", where);
  }
  const fs::path path(location);
  if (path.is_absolute()) refuse(location, "is an absolute path; it must be relative to the model's folder", where);
  if (std::find(path.begin(), path.end(), "..") != path.end()) {
    refuse(location, "leads out of the model's folder by '..'", where);
  }
}

bool is_inside(const fs::path& file, const fs::path& folder) {
  const auto [at_folder, at_file] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return at_folder == folder.end() && at_file != file.end();
}

// What the descriptor really is, whatever happened to the path since it was looked at.
bool is_at(const ReadFile& file, const fs::path& expected) {
  std::error_code error;
  const fs::path real = fs::read_symlink("/proc/self/fd/" + std::to_string(file.descriptor()), error);
  return error || real == expected;  // without /proc there is nothing to compare
}

}  // namespace

ExternalFiles::ExternalFiles(std::shared_ptr<const ReadFile> model_file) {
  std::error_code error;
  const fs::path given = model_file->path();
  const fs::path folder = fs::canonical(given.has_parent_path() ? given.parent_path() : fs::path("."), error);
  if (!error) folders_.push_back(folder);
  const fs::path target_folder = fs::canonical(given, error).parent_path();
  if (!error && target_folder != folder) folders_.push_back(target_folder);
  files_.push_back(std::move(model_file));
}

std::shared_ptr<const ReadFile> ExternalFiles::open_inside(const std::string& location,
                                                           const std::string& where) const {
  bool missing = true;
  for (const auto& folder : folders_) {
    std::error_code error;
    const fs::path real = fs::canonical(folder / location, error);
    if (error == std::errc::no_such_file_or_directory) continue;
    if (error) refuse(location, "cannot be resolved: " + error.message(), where);
    missing = false;
    if (std::none_of(folders_.begin(), folders_.end(), [&](const fs::path& f) { return is_inside(real, f); })) continue;
    auto file = ReadFile::open(real, ErrorCode::kBadModel, FollowLinks::kNo);
    if (!is_at(*file, real)) refuse(location, "was replaced while it was opened", where);
    return file;
  }
  if (missing) refuse(location, "does not exist beside the model (" + files_[0]->path().string() + ")", where);
  refuse(location, "is a symbolic link that leads out of the model's folder; put the file itself there", where);
}

std::shared_ptr<const ReadFile> ExternalFiles::open(const std::string& location, const std::string& where) {
  auto& known = by_location_[location];
  if (known) return known;
  check_spelling(location, where);
  auto file = open_inside(location, where);
  const auto same = std::find_if(files_.begin(), files_.end(),
                                 [&](const auto& other) { return other->identity() == file->identity(); });
  if (same == files_.end()) {
    files_.push_back(file);
  } else {
    file = *same;
  }
  known = file;
  return file;
}

}  // namespace vetquant
