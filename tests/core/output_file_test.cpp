// All or nothing: whatever fails, no half file and no temporary stays, and an old file is as it was.
#include "vetquant/core/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/error_of.h"
#include "support/model_builder.h"
#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace {

using test::error_of;
using test::read_text;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

void write_in_two(const std::filesystem::path& path, Replace replace, FileOps& ops) {
  auto file = OutputFile::create(path, 8, replace, ops);
  file->write(4, bytes("5678"));
  file->write(0, bytes("1234"));
  file->commit();
}

// Fails the n-th call of one kind with an errno. A failing write_at may write half first, as a full disk does.
class FailingOps : public FileOps {
 public:
  enum class Call { kCreate, kAllocate, kWrite, kSync, kLink, kRename, kSyncFolder, kNone };
  FailingOps(Call call, int at, int error) : call_(call), left_(at), error_(error) {}
  int create(const std::string& path) override { return fails(Call::kCreate) ? -1 : FileOps::create(path); }
  int allocate(int d, uint64_t size) override { return fails(Call::kAllocate) ? -1 : FileOps::allocate(d, size); }
  int64_t write_at(int d, const void* data, uint64_t size, uint64_t offset) override {
    if (!fails(Call::kWrite)) return FileOps::write_at(d, data, size, offset);
    if (error_ != 0) return -1;
    return 0;  // wrote nothing, said nothing
  }
  int sync(int d) override { return fails(Call::kSync) ? -1 : FileOps::sync(d); }
  int link(const std::string& from, const std::string& to) override {
    return fails(Call::kLink) ? -1 : FileOps::link(from, to);
  }
  int rename(const std::string& from, const std::string& to) override {
    return fails(Call::kRename) ? -1 : FileOps::rename(from, to);
  }
  int sync_folder(const std::string& path) override {
    return fails(Call::kSyncFolder) ? -1 : FileOps::sync_folder(path);
  }

 private:
  bool fails(Call call) {
    if (call != call_ || left_-- != 0) return false;
    errno = error_;
    return true;
  }
  Call call_;
  int left_;
  int error_;
};

using Call = FailingOps::Call;

TEST(OutputFile, AppearsWholeAtCommit) {
  const TempFolder folder;
  const auto path = folder.path() / "out";
  auto file = OutputFile::create(path, 8, Replace::kNo);
  file->write(4, bytes("5678"));
  file->write(0, bytes("1234"));
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(file->temporary_path().parent_path(), folder.path());
  std::string back(4, '?');
  file->read(2, std::as_writable_bytes(std::span(back)));
  EXPECT_EQ(back, "3456");
  file->commit();
  EXPECT_EQ(read_text(path), "12345678");
  file.reset();
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(OutputFile, HasTheModeThatUmaskAllows) {
  const TempFolder folder;
  const mode_t before = umask(027);
  write_whole_file(folder.path() / "out", "x", Replace::kNo);
  umask(before);
  struct stat info = {};
  ASSERT_EQ(stat((folder.path() / "out").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(OutputFile, WithoutCommitNothingStays) {
  const TempFolder folder;
  OutputFile::create(folder.path() / "out", 1 << 20, Replace::kNo);
  EXPECT_THAT(names_in(folder.path()), IsEmpty());
}

TEST(OutputFile, AnEmptyFileIsAFile) {
  const TempFolder folder;
  write_whole_file(folder.path() / "out", "", Replace::kNo);
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "out"), 0u);
}

TEST(OutputFile, ThreadsWriteTheirParts) {
  const TempFolder folder;
  auto file = OutputFile::create(folder.path() / "out", 4000, Replace::kNo);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string part(10, static_cast<char>('a' + t));
      for (uint64_t i = 0; i < 100; ++i) file->write((i * 4 + static_cast<uint64_t>(t)) * 10, bytes(part));
    });
  }
  for (std::thread& thread : threads) thread.join();
  file->commit();
  const std::string text = read_text(folder.path() / "out");
  ASSERT_EQ(text.size(), 4000u);
  for (size_t i = 0; i < text.size(); ++i) ASSERT_EQ(text[i], static_cast<char>('a' + i / 10 % 4));
}

TEST(OutputFile, RefusesWhatExistsUnlessToldToReplaceIt) {
  const TempFolder folder;
  const auto path = folder.write("out", std::string_view("old"));
  for (const auto& call : std::vector<std::function<void()>>{[&] { check_output_is_free(path, Replace::kNo); },
                                                             [&] { write_whole_file(path, "new", Replace::kNo); }}) {
    const Error error = error_of(call);
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_EQ(error.what(), path.string() + ": exists already; --overwrite replaces it");
  }
  EXPECT_EQ(read_text(path), "old");
  write_whole_file(path, "new", Replace::kYes);
  EXPECT_EQ(read_text(path), "new");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(OutputFile, AFolderOrADanglingLinkInTheWayIsSeen) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path() / "folder");
  EXPECT_EQ(error_of([&] { check_output_is_free(folder.path() / "folder", Replace::kYes); }).message(),
            "is a folder; name a file");
  std::filesystem::create_symlink("nowhere", folder.path() / "link");
  EXPECT_THAT(error_of([&] { check_output_is_free(folder.path() / "link", Replace::kNo); }).message(),
              HasSubstr("exists already"));
}

TEST(OutputFile, ALostRaceIsAnErrorAndTheWinnersFileStays) {
  const TempFolder folder;
  const auto path = folder.path() / "out";
  auto file = OutputFile::create(path, 4, Replace::kNo);
  file->write(0, bytes("mine"));
  folder.write("out", std::string_view("theirs"));
  const Error error = error_of([&] { file->commit(); });
  file.reset();
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_THAT(error.message(), HasSubstr("exists already"));
  EXPECT_EQ(read_text(path), "theirs");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(OutputFile, AMissingFolderIsNamed) {
  const Error error = error_of([] { OutputFile::create("/nowhere/at/all", 1, Replace::kNo); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_STREQ(error.what(), "/nowhere/at/all: cannot be written: No such file or directory");
}

TEST(OutputFile, LongNamesStillGetATemporary) {
  const TempFolder folder;
  const std::string name(255, 'n');
  write_whole_file(folder.path() / name, "x", Replace::kNo);
  EXPECT_THAT(names_in(folder.path()), ElementsAre(name));
}

TEST(OutputFile, RetargetChangesTheNameWithinTheFolder) {
  const TempFolder folder;
  auto file = OutputFile::create(folder.path() / "first", 1, Replace::kNo);
  file->write(0, bytes("x"));
  file->retarget(folder.path() / "second");
  EXPECT_EQ(error_of([&] { file->retarget("/elsewhere/second"); }).code(), ErrorCode::kInternal);
  file->commit();
  EXPECT_THAT(names_in(folder.path()), ElementsAre("second"));
}

struct Failure {
  Call call;
  int at, error;
  Replace replace;
  const char* says;
};

TEST(OutputFile, AFailureOfAnySystemCallLeavesNothingAndKeepsTheOldFile) {
  const Failure failures[] = {
      {Call::kCreate, 0, EACCES, Replace::kYes, "cannot be written: Permission denied"},
      {Call::kCreate, 0, ENOSPC, Replace::kYes, "disk full or file size limit reached; 8 bytes are needed"},
      {Call::kAllocate, 0, ENOSPC, Replace::kYes, "disk full or file size limit reached; 8 bytes are needed"},
      {Call::kAllocate, 0, EDQUOT, Replace::kYes, "disk full or file size limit reached; 8 bytes are needed"},
      {Call::kAllocate, 0, EIO, Replace::kYes, "cannot be written: Input/output error"},
      {Call::kWrite, 0, ENOSPC, Replace::kYes, "disk full or file size limit reached; 8 bytes are needed"},
      {Call::kWrite, 1, EFBIG, Replace::kYes, "disk full or file size limit reached; 8 bytes are needed"},
      {Call::kWrite, 1, EIO, Replace::kYes, "cannot be written: Input/output error"},
      {Call::kWrite, 1, 0, Replace::kYes, "disk full or file size limit reached; 8 bytes are needed"},
      {Call::kSync, 0, EIO, Replace::kYes, "cannot be synced to disk: Input/output error"},
      {Call::kSync, 0, ENOSPC, Replace::kYes, "disk full or file size limit reached; 8 bytes are needed"},
      {Call::kRename, 0, EACCES, Replace::kYes, "cannot be put into place: Permission denied"},
      {Call::kLink, 0, EACCES, Replace::kNo, "cannot be put into place: Permission denied"},
      {Call::kLink, 0, EEXIST, Replace::kNo, "exists already; --overwrite replaces it"},
  };
  for (const Failure& failure : failures) {
    const TempFolder folder;
    const auto path = folder.path() / "out";
    if (failure.replace == Replace::kYes) folder.write("out", std::string_view("old"));
    FailingOps ops(failure.call, failure.at, failure.error);
    const Error error = error_of([&] { write_in_two(path, failure.replace, ops); });
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_EQ(error.message(), failure.says);
    EXPECT_EQ(error.where(), path.string());
    if (failure.replace == Replace::kYes) {
      EXPECT_THAT(names_in(folder.path()), ElementsAre("out")) << failure.says;
      EXPECT_EQ(read_text(path), "old") << failure.says;
    } else {
      EXPECT_THAT(names_in(folder.path()), IsEmpty()) << failure.says;
    }
  }
}

TEST(OutputFile, AFolderThatCannotBeSyncedIsSaidButTheFileIsWhole) {
  const TempFolder folder;
  FailingOps ops(Call::kSyncFolder, 0, EIO);
  const Error error = error_of([&] { write_in_two(folder.path() / "out", Replace::kNo, ops); });
  EXPECT_EQ(error.message(), "is in place, but its folder cannot be synced to disk: Input/output error");
  EXPECT_EQ(read_text(folder.path() / "out"), "12345678");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(OutputFile, InterruptedAndShortWritesAreContinued) {
  class Reluctant : public FileOps {
   public:
    int64_t write_at(int d, const void* data, uint64_t size, uint64_t offset) override {
      if (++calls_ % 2 == 1) {
        errno = EINTR;
        return -1;
      }
      return FileOps::write_at(d, data, std::min<uint64_t>(size, 3), offset);
    }

   private:
    int calls_ = 0;
  };
  const TempFolder folder;
  Reluctant ops;
  write_whole_file(folder.path() / "out", "0123456789", Replace::kNo, ops);
  EXPECT_EQ(read_text(folder.path() / "out"), "0123456789");
}

// The real thing, each in a process of its own.

int status_of(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(OutputFile, AnInterruptEndsASyncAndLeavesNothing) {
  const TempFolder folder;
  auto file = OutputFile::create(folder.path() / "large", 8, Replace::kNo);
  file->write(0, bytes("12345678"));
  interrupt::request();
  const Error error = error_of([&] { file->commit(); });
  interrupt::clear();
  EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  file.reset();
  EXPECT_THAT(names_in(folder.path()), IsEmpty());
}

TEST(OutputFile, AFileSizeLimitIsAnErrorAndLeavesNothing) {
  const TempFolder folder;
  const int status = status_of([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_whole_file(folder.path() / "out", std::string(100000, 'x'), Replace::kNo);
    } catch (const Error& error) {
      return error.code() == ErrorCode::kIo &&
                     error.message() == "disk full or file size limit reached; 100000 bytes are needed"
                 ? 42
                 : 1;
    }
    return 2;
  });
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_THAT(names_in(folder.path()), IsEmpty());
}

TEST(StaleTemporaries, OfADeadProcessAreRemovedAndOthersAreNot) {
  const TempFolder folder;
  const int status = status_of([&] {
    auto file = OutputFile::create(folder.path() / "model.onnx", 100, Replace::kNo);
    file->write(0, bytes("half"));
    raise(SIGKILL);
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(names_in(folder.path()).size(), 1u);
  EXPECT_THAT(names_in(folder.path())[0],
              testing::MatchesRegex("\\.model\\.onnx\\.vetquant-[0-9]+-[0-9]+-[0-9]+\\.tmp"));

  auto alive = OutputFile::create(folder.path() / "other.onnx", 4, Replace::kNo);
  const std::vector<std::string> strangers{".x.vetquant-abc-1-1.tmp", ".x.vetquant-1.tmp", ".x.tmp",
                                           "x.vetquant-999999999-1-1.tmp"};
  for (const std::string& name : strangers) folder.write(name, std::string_view("mine"));
  EXPECT_EQ(remove_stale_temporaries(folder.path()), 1);
  EXPECT_EQ(names_in(folder.path()).size(), strangers.size() + 1);
  alive->write(0, bytes("1234"));
  alive->commit();
  EXPECT_EQ(read_text(folder.path() / "other.onnx"), "1234");
}

TEST(StaleTemporaries, ALaterProcessWithTheSameNumberDoesNotProtectThem) {
  const TempFolder folder;
  folder.write(".x.vetquant-" + std::to_string(getpid()) + "-1-0.tmp",
               std::string_view("old"));  // started at tick 1: not us
  EXPECT_EQ(remove_stale_temporaries(folder.path()), 1);
}

TEST(StaleTemporaries, OneThatIsStillLockedIsAlive) {
  // As a process of another container would: its number means nothing here, its lock does.
  const TempFolder folder;
  auto file = OutputFile::create(folder.path() / "out", 4, Replace::kNo);
  const auto disguised = folder.path() / ".out.vetquant-999999999-1-0.tmp";
  std::filesystem::create_hard_link(file->temporary_path(), disguised);
  EXPECT_EQ(remove_stale_temporaries(folder.path()), 0);
  file.reset();
  EXPECT_EQ(remove_stale_temporaries(folder.path()), 1);
  EXPECT_THAT(names_in(folder.path()), IsEmpty());
}

TEST(StaleTemporaries, AMissingFolderHasNone) { EXPECT_EQ(remove_stale_temporaries("/nowhere"), 0); }

}  // namespace
}  // namespace vetquant
