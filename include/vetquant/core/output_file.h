// Files that appear whole or not at all.
//
// An OutputFile is written under a temporary name in the folder of its final name (".<name>.vetquant-<pid>-<start>-<n>.tmp"),
// so that the final step is one link or rename within one file system. `commit` syncs the file, puts it into place
// (link(2) refuses to replace: a lost race is Error{kIo}; with Replace::kYes rename(2)), and syncs the folder. An
// OutputFile that is destroyed before commit removes its temporary. remove_stale_temporaries() removes what dead
// processes left in a folder, and nothing of a live one. The temporaries of the process are also removed on ^C (see
// core/interrupt.h: the run unwinds by exception).
//
// Every system call goes through FileOps, so that tests inject failures at each write, sync, link and rename.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace vetquant {

enum class Replace { kNo, kYes };

// The system calls an output makes; returns are those of the calls (-1 and errno).
class FileOps {
 public:
  virtual ~FileOps() = default;
  virtual int create(const std::string& path);  // O_CREAT|O_EXCL|O_RDWR|O_CLOEXEC, mode 0666 & ~umask
  virtual int allocate(int descriptor, uint64_t size_bytes);
  virtual int64_t write_at(int descriptor, const void* data, uint64_t bytes, uint64_t offset_bytes);
  virtual void write_behind(int descriptor, uint64_t offset_bytes, uint64_t bytes);  // a hint: may do nothing
  virtual int sync(int descriptor);
  virtual int link(const std::string& from, const std::string& to);
  virtual int rename(const std::string& from, const std::string& to);
  virtual int remove(const std::string& path);
  virtual int sync_folder(const std::string& path);
  static FileOps& system();
};

class OutputFile {
 public:
  // Error{kIo}: `path` exists and replace is kNo; the folder is missing or not writable; disk full.
  static std::unique_ptr<OutputFile> create(const std::filesystem::path& path, uint64_t size_bytes, Replace replace,
                                            FileOps& ops = FileOps::system());
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }  // the final one
  const std::filesystem::path& temporary_path() const { return temporary_path_; }
  void write(uint64_t offset_bytes, std::span<const std::byte> data);  // thread-safe
  void read(uint64_t offset_bytes, std::span<std::byte> out) const;    // what was written, for the check
  void write_behind(uint64_t offset_bytes, uint64_t bytes);            // the disk may begin with what was written there
  void sync();
  void retarget(const std::filesystem::path& path);  // another final name in the same folder, known only after writing
  void commit();                                     // sync, put into place, sync folder

 private:
  OutputFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor, uint64_t size_bytes,
             Replace replace, FileOps& ops);
  std::filesystem::path path_, temporary_path_;
  int descriptor_;
  uint64_t size_bytes_;
  Replace replace_;
  FileOps& ops_;
  bool committed_ = false;
};

// Error{kIo} where `path` exists and replace is kNo. The cheap early look; commit looks again.
void check_output_is_free(const std::filesystem::path& path, Replace replace);

// Writes a whole small file (report, lock, statistics) the same way.
void write_whole_file(const std::filesystem::path& path, const std::string& text, Replace replace,
                      FileOps& ops = FileOps::system());

// Returns how many were removed.
int remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace vetquant
