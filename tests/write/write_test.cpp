// Files: exact sizes, nested framing, sidecars, and that a failure at any system call leaves nothing behind.
#include <gtest/gtest.h>

#include <fstream>

#include "fixture.h"
#include "vetquant/core/hash.h"

namespace vetquant::test {
namespace {

size_t files_in(const std::filesystem::path& folder) {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

Emitted int8_rows(const Fixture& f, const Shape& shape) {
  QuantJob job;
  job.layout.channel_axes = {0};
  return f.quantized(job, shape, DType::kInt8);
}

TEST(Write, PredictedSizeIsTheWrittenOne) {
  const Fixture f({300, 70});
  const Emitted emitted = int8_rows(f, {300, 70});
  for (const Sidecar sidecar : {Sidecar::kAuto, Sidecar::kAlways}) {
    const LayoutSizes predicted = layout_sizes(*f.model, emitted, sidecar, "out.onnx");
    WriteOptions options;
    options.sidecar = sidecar;
    const auto result = f.write(emitted, options);
    EXPECT_EQ(std::filesystem::file_size(result.model_path), predicted.model_bytes);
    const uint64_t beside = result.sidecar_path.empty() ? 0 : std::filesystem::file_size(result.sidecar_path);
    EXPECT_EQ(beside, predicted.sidecar_bytes);
  }
}

TEST(Write, AnUntouchedModelKeepsEveryTensor) {
  const Fixture f({300, 70});
  Emitted same;
  same.skeleton = std::make_shared<onnx::ModelProto>(f.model->skeleton());
  const auto result = f.write(same, {});
  EXPECT_EQ(tensor_floats(result.model_path, "w"), f.values);
  onnx::ModelProto parsed;
  std::ifstream stream(result.model_path, std::ios::binary);
  ASSERT_TRUE(parsed.ParseFromIstream(&stream));
  EXPECT_EQ(parsed.graph().initializer(0).raw_data().size(), f.values.size() * 4);
  EXPECT_EQ(parsed.graph().initializer(0).external_data_size(), 0);
}

TEST(Write, PayloadsInNestedSubgraphsAreFramed) {
  Fixture f({4, 4});
  const std::vector<float> values = random_floats(4096, 9);
  TestModel built;
  built.main().input("c", onnx::TensorProto::BOOL, {}).output("y", kFloat, {4096});
  auto& decide = built.main().node("If", {"c"}, {"y"}, "decide");
  for (const char* name : {"then_branch", "else_branch"}) {
    GraphHandle branch = subgraph(decide, name);
    branch.output(std::string(name) + "_out", kFloat, {4096});
    branch.constant(std::string(name) + "_out", float_tensor("", {4096}, values));
  }
  built.main().floats("w", {64, 64}, values);
  f.load(f.folder.write("nested.onnx", built));
  Emitted same;
  same.skeleton = std::make_shared<onnx::ModelProto>(f.model->skeleton());
  const auto result = f.write(same, {});
  onnx::ModelProto parsed;
  std::ifstream stream(result.model_path, std::ios::binary);
  ASSERT_TRUE(parsed.ParseFromIstream(&stream));
  for (const auto& attribute : parsed.graph().node(0).attribute()) {
    EXPECT_EQ(attribute.g().node(0).attribute(0).t().raw_data().size(), 4096u * 4) << attribute.name();
  }
}

TEST(Write, SidecarIsNamedByItsDigestAndReplacedWithItsModel) {
  const Fixture f({300, 70});
  WriteOptions options;
  options.sidecar = Sidecar::kAlways;
  const auto first = f.write(int8_rows(f, {300, 70}), options);
  EXPECT_EQ(first.sidecar_path.filename().string(), "out." + first.sidecar_digest.substr(0, 16) + ".weights");
  EXPECT_EQ(digest_of(*ReadFile::open(first.sidecar_path, ErrorCode::kIo)), first.sidecar_digest);
  EXPECT_EQ(tensor_bytes(first.model_path, "w_codes").size(), 21000u);
  QuantJob other;
  const auto second = f.write(f.quantized(other, {300, 70}, DType::kInt8), options);
  EXPECT_NE(second.sidecar_path, first.sidecar_path);
  EXPECT_FALSE(std::filesystem::exists(first.sidecar_path)) << "stale sidecar stays";
  EXPECT_EQ(files_in(f.folder.path()), 3u);
}

TEST(Write, ExistingOutputIsNotReplacedUnasked) {
  const Fixture f({300, 70});
  const auto path = f.folder.write("taken.onnx", "precious");
  WriteOptions options;
  options.output = path;
  try {
    write_model(*f.model, int8_rows(f, {300, 70}), f.algorithms, options);
    FAIL() << "replaced";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find("--overwrite"), std::string::npos);
  }
  EXPECT_EQ(read_text(path), "precious");
}

// Fails the n-th call of all that may fail.
class FailingOps : public FileOps {
 public:
  explicit FailingOps(int fail_at) : fail_at_(fail_at) {}
  int calls() const { return calls_; }
  int create(const std::string& path) override { return fails() ? -1 : FileOps::create(path); }
  int allocate(int fd, uint64_t size) override { return fails() ? -1 : FileOps::allocate(fd, size); }
  int64_t write_at(int fd, const void* data, uint64_t bytes, uint64_t offset) override {
    return fails() ? -1 : FileOps::write_at(fd, data, bytes, offset);
  }
  int sync(int fd) override { return fails() ? -1 : FileOps::sync(fd); }
  int link(const std::string& from, const std::string& to) override { return fails() ? -1 : FileOps::link(from, to); }
  int rename(const std::string& from, const std::string& to) override {
    return fails() ? -1 : FileOps::rename(from, to);
  }

 private:
  bool fails() {
    if (calls_++ != fail_at_) return false;
    errno = ENOSPC;
    return true;
  }
  int fail_at_, calls_ = 0;
};

class WriteFailure : public testing::TestWithParam<Sidecar> {};

TEST_P(WriteFailure, AtAnyCallLeavesTheOldFileAndNothingElse) {
  const Fixture f({300, 70});
  const Emitted emitted = int8_rows(f, {300, 70});
  int injected = 0;
  for (int at = 0; at < 200; ++at) {
    const auto path = f.folder.write("out.onnx", "the old one");
    const size_t before = files_in(f.folder.path());
    FailingOps ops(at);
    WriteOptions options;
    options.output = path;
    options.replace = Replace::kYes;
    options.sidecar = GetParam();
    options.threads = 1;
    options.ops = &ops;
    try {
      write_model(*f.model, emitted, f.algorithms, options);
      EXPECT_LE(ops.calls(), at);  // all calls passed: done
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
      EXPECT_NE(std::string(error.what()).find("disk full"), std::string::npos) << error.what();
      ++injected;
    }
    EXPECT_EQ(read_text(path), "the old one") << "call " << at;
    EXPECT_EQ(files_in(f.folder.path()), before) << "call " << at;
  }
  EXPECT_GT(injected, 4);
  EXPECT_LT(injected, 199);
}

INSTANTIATE_TEST_SUITE_P(Layouts, WriteFailure, testing::Values(Sidecar::kAuto, Sidecar::kAlways));

TEST(Write, ATensorIsOnItsWayToTheDiskBeforeTheNextIsWritten) {
  class Recording : public FileOps {
   public:
    std::string events;  // w: a tensor, b: on its way
    int64_t write_at(int fd, const void* data, uint64_t bytes, uint64_t offset) override {
      if (bytes >= 64u << 10) events += 'w';
      return FileOps::write_at(fd, data, bytes, offset);
    }
    void write_behind(int, uint64_t, uint64_t) override { events += 'b'; }
  } ops;
  Fixture f({4, 4});
  TestModel built;
  built.main().input("x", kFloat, {1}).output("y", kFloat, {1});
  built.main().node("Identity", {"x"}, {"y"}, "pass");
  built.main()
      .floats("v", {128, 256}, random_floats(128 * 256, 1))
      .floats("w", {128, 256}, random_floats(128 * 256, 2));
  built.main().floats("small", {20, 20}, random_floats(400, 3));
  f.load(f.folder.write("two.onnx", built));
  Emitted same;
  same.skeleton = std::make_shared<onnx::ModelProto>(f.model->skeleton());
  WriteOptions options;
  options.threads = 1;
  options.ops = &ops;
  f.write(same, options);
  EXPECT_EQ(ops.events, "wbwb") << "what is small is left to the last sync";
}

TEST(Write, ASourceThatShrinksIsAnErrorAndLeavesNothing) {
  const Fixture f({300, 70});
  std::filesystem::resize_file(f.folder.path() / "float.onnx", 5000);
  try {
    f.write(int8_rows(f, {300, 70}), {});
    FAIL() << "read beyond the end";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find("changed while it was read"), std::string::npos);
  }
  EXPECT_EQ(files_in(f.folder.path()), 1u);
}

}  // namespace
}  // namespace vetquant::test
