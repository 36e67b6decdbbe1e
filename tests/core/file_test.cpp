#include "vetquant/core/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/error_of.h"
#include "support/model_builder.h"

namespace vetquant {
namespace {

using test::error_of;
using test::TempFolder;

std::string read(const ReadFile& file, uint64_t offset, size_t bytes) {
  std::string text(bytes, '?');
  file.read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

TEST(ReadFile, ReadsByPosition) {
  const TempFolder folder;
  const auto file = ReadFile::open(folder.write("f", std::string_view("0123456789")), ErrorCode::kBadModel);
  EXPECT_EQ(file->size_bytes(), 10u);
  EXPECT_EQ(read(*file, 3, 4), "3456");
  EXPECT_EQ(read(*file, 0, 10), "0123456789");
  EXPECT_EQ(read(*file, 10, 0), "");
  EXPECT_EQ(file->path(), folder.path() / "f");
}

TEST(ReadFile, AShortReadIsAnErrorAndNoSigbus) {
  const TempFolder folder;
  const auto path = folder.write("f", std::string(100000, 'x'));
  const auto file = ReadFile::open(path, ErrorCode::kBadModel);
  std::filesystem::resize_file(path, 70000);
  const Error error = error_of([&] { read(*file, 0, 100000); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_EQ(error.what(), path.string() + ": changed while it was read: it ended at byte 70000");
  EXPECT_EQ(error_of([&] { read(*file, UINT64_MAX - 5, 4); }).code(), ErrorCode::kIo);
}

TEST(ReadFile, ChangesAreFound) {
  const TempFolder folder;
  const auto path = folder.write("f", std::string_view("abc"));
  const auto file = ReadFile::open(path, ErrorCode::kBadModel);
  file->check_unchanged();
  std::ofstream(path, std::ios::app) << "d";
  const Error error = error_of([&] { file->check_unchanged(); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_EQ(error.what(), path.string() + ": changed while it was read; run again when nothing writes to it");
}

TEST(ReadFile, ARewriteOfTheSameSizeIsFound) {
  const TempFolder folder;
  const auto path = folder.write("f", std::string_view("abc"));
  const auto file = ReadFile::open(path, ErrorCode::kBadModel);
  const struct timespec times[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_EQ(error_of([&] { file->check_unchanged(); }).code(), ErrorCode::kIo);
}

TEST(ReadFile, OnlyRegularFilesAndNeverBlocks) {
  const TempFolder folder;
  const auto fifo = folder.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto socket_path = folder.path() / "socket";
  const int socket_descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket_descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  for (const auto& path : {fifo, socket_path, std::filesystem::path("/dev/zero"), folder.path()}) {
    for (const ErrorCode code : {ErrorCode::kBadModel, ErrorCode::kUsage}) {
      const Error error = error_of([&] { ReadFile::open(path, code); });
      EXPECT_EQ(error.code(), code) << path;
      EXPECT_EQ(error.what(), path.string() + ": is not a regular file");
    }
  }
  close(socket_descriptor);
}

TEST(ReadFile, MissingFilesAreIoErrors) {
  const Error error = error_of([] { ReadFile::open("/nowhere/model.onnx", ErrorCode::kBadModel); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_STREQ(error.what(), "/nowhere/model.onnx: cannot be opened: No such file or directory");
}

TEST(ReadFile, LinksAreFollowedOnlyOnWish) {
  const TempFolder folder;
  folder.write("f", std::string_view("abc"));
  std::filesystem::create_symlink("f", folder.path() / "link");
  EXPECT_EQ(read(*ReadFile::open(folder.path() / "link", ErrorCode::kBadModel), 0, 3), "abc");
  const Error error = error_of([&] { ReadFile::open(folder.path() / "link", ErrorCode::kBadModel, FollowLinks::kNo); });
  EXPECT_EQ(error.code(), ErrorCode::kBadModel);
  EXPECT_EQ(error.message(), "is a symbolic link, which is not followed here");
}

}  // namespace
}  // namespace vetquant
