#include <sys/stat.h>

#include <filesystem>

#include "load_fixture.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;
using test::external_tensor;
using test::floats_of;
using test::kFloat;
using test::random_floats;
using test::TempFolder;
using test::TestModel;
using test::view_of;
using testing::HasSubstr;

std::string bytes_of_floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

TestModel model_with(const onnx::TensorProto& tensor) {
  TestModel model;
  model.main().initializer(tensor);
  return model;
}

class ExternalData : public test::Loaded {
 protected:
  Error refusal_of(const std::string& location) {
    return refusal(model_with(external_tensor("w", kFloat, {4}, location)));
  }
};

TEST_F(ExternalData, IsReadFromItsOffset) {
  const auto values = random_floats(1000, 1);
  folder_.write("sub/weights.bin", std::string(4096, 'x') + bytes_of_floats(values) + "tail");
  const auto model = load(model_with(external_tensor("w", kFloat, {10, 100}, "sub/weights.bin", 4096, 4000)));
  EXPECT_EQ(floats_of(view_of(*model, "w")), values);
  ASSERT_EQ(model->files().size(), 2u);
  EXPECT_EQ(model->external_bytes(), 8100u);
}

TEST_F(ExternalData, WithoutOffsetAndLengthIsTheBeginningOfTheFile) {
  const auto values = random_floats(300, 2);
  folder_.write("w.bin", bytes_of_floats(values));
  EXPECT_EQ(floats_of(view_of(*load(model_with(external_tensor("w", kFloat, {300}, "w.bin"))), "w")), values);
}

TEST_F(ExternalData, SmallTensorsMoveIntoTheSkeleton) {
  const auto values = random_floats(4, 3);
  folder_.write("w.bin", bytes_of_floats(values));
  const auto model = load(model_with(external_tensor("w", kFloat, {4}, "w.bin")));
  const auto& tensor = model->skeleton().graph().initializer(0);
  EXPECT_EQ(tensor.raw_data(), bytes_of_floats(values));
  EXPECT_EQ(tensor.data_location(), onnx::TensorProto::DEFAULT);
}

TEST_F(ExternalData, TwoNamesOfOneFileCountOnce) {
  folder_.write("w.bin", bytes_of_floats(random_floats(300, 4)));
  TestModel made = model_with(external_tensor("a", kFloat, {300}, "w.bin"));
  made.main().initializer(external_tensor("b", kFloat, {300}, "./w.bin"));
  const auto model = load(made);
  EXPECT_EQ(model->files().size(), 2u);
  EXPECT_EQ(model->external_bytes(), 1200u);
  EXPECT_TRUE(view_of(*model, "a").same_data(view_of(*model, "b")));
}

TEST_F(ExternalData, PathsThatLeaveTheFolderAreRefused) {
  TempFolder elsewhere;
  elsewhere.write("w.bin", std::string(16, 'x'));
  fs::create_directory_symlink(elsewhere.path(), folder_.path() / "linked");
  fs::create_symlink(elsewhere.path() / "w.bin", folder_.path() / "link.bin");
  fs::create_symlink("/dev/zero", folder_.path() / "zero.bin");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"../" + folder_.path().filename().string() + "/w.bin", "leads out of the model's folder by '..'"},
      {"sub/../../w.bin", "leads out of the model's folder by '..'"},
      {"sub\\..\\w.bin", "has a backslash"},
      {(elsewhere.path() / "w.bin").string(), "is an absolute path"},
      {"/dev/zero", "is an absolute path"},
      {std::string("w.bin\0x", 7), "has a NUL character"},
      {"", "names no file"},
      {"missing.bin", "does not exist beside the model"},
      {"linked/w.bin", "is a symbolic link that leads out of the model's folder"},
      {"link.bin", "is a symbolic link that leads out of the model's folder"},
      {"zero.bin", "is a symbolic link that leads out of the model's folder"},
      {std::string(5000, 'a'), "cannot be resolved"},
  };
  for (const auto& [location, message] : cases) {
    const Error error = refusal_of(location);
    EXPECT_EQ(error.code(), ErrorCode::kBadModel) << location;
    EXPECT_THAT(error.message(), HasSubstr(message));
    EXPECT_THAT(error.where(), HasSubstr("tensor 'w'"));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

TEST_F(ExternalData, OnlyRegularFilesAreOpenedAndNothingBlocks) {
  ASSERT_EQ(mkfifo((folder_.path() / "fifo.bin").c_str(), 0600), 0);
  fs::create_directory(folder_.path() / "folder.bin");
  for (const char* location : {"fifo.bin", "folder.bin", "."}) {
    EXPECT_EQ(refusal_of(location).code(), ErrorCode::kBadModel) << location;
  }
}

TEST_F(ExternalData, LinksInsideTheFolderAreFollowed) {
  const auto values = random_floats(300, 5);
  folder_.write("real/w.bin", bytes_of_floats(values));
  fs::create_symlink("real/w.bin", folder_.path() / "link.bin");
  EXPECT_EQ(floats_of(view_of(*load(model_with(external_tensor("w", kFloat, {300}, "link.bin"))), "w")), values);
}

// snapshots/1/model.onnx -> ../../blobs/aaa; snapshots/1/w.bin -> ../../blobs/bbb, as the hub's cache lays them out.
TEST_F(ExternalData, OfALinkedModelMayLieBesideItsTarget) {
  const auto values = random_floats(300, 6);
  folder_.write("blobs/aaa", model_with(external_tensor("w", kFloat, {300}, "w.bin")));
  folder_.write("blobs/bbb", bytes_of_floats(values));
  const fs::path snapshot = folder_.path() / "snapshots" / "1";
  fs::create_directories(snapshot);
  fs::create_symlink("../../blobs/aaa", snapshot / "model.onnx");
  fs::create_symlink("../../blobs/bbb", snapshot / "w.bin");
  EXPECT_EQ(floats_of(view_of(*Model::load(snapshot / "model.onnx"), "w")), values);
}

TEST_F(ExternalData, BoundsAreChecked) {
  folder_.write("w.bin", std::string(64, 'x'));
  const std::vector<std::pair<onnx::TensorProto, std::string>> cases = {
      {external_tensor("w", kFloat, {17}, "w.bin"), "which has only 64"},
      {external_tensor("w", kFloat, {4}, "w.bin", 52), "takes bytes 52 + 16"},
      {external_tensor("w", kFloat, {4}, "w.bin", 0, 12),
       "takes 12 bytes of external file 'w.bin', but fp32[4] needs 16"},
      {external_tensor("w", kFloat, {4}, "w.bin", std::numeric_limits<int64_t>::max(), 16), "which has only 64"},
      {external_tensor("w", onnx::TensorProto::STRING, {4}, "w.bin"), "holds strings"},
      {external_tensor("w", 99, {4}, "w.bin"), "unknown data type 99"},
  };
  for (const auto& [tensor, message] : cases) {
    const Error error = refusal(model_with(tensor));
    EXPECT_EQ(error.code(), ErrorCode::kBadModel);
    EXPECT_THAT(error.message(), HasSubstr(message));
  }
}

TEST_F(ExternalData, OddEntriesAreRefused) {
  folder_.write("w.bin", std::string(64, 'x'));
  const auto with = [&](const std::string& key, const std::string& value) {
    auto tensor = external_tensor("w", kFloat, {4}, "w.bin");
    auto* entry = tensor.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
    return refusal(model_with(tensor));
  };
  EXPECT_THAT(with("location", "v.bin").message(), HasSubstr("the key 'location' twice"));
  EXPECT_THAT(with("vetquant.payload", "0").message(), HasSubstr("which is reserved"));
  EXPECT_THAT(with("offset", "-1").message(), HasSubstr("no number of bytes"));
  EXPECT_THAT(with("offset", "1x").message(), HasSubstr("no number of bytes"));
  EXPECT_THAT(with("length", "99999999999999999999999").message(), HasSubstr("no number of bytes"));
  auto both = external_tensor("w", kFloat, {4}, "w.bin");
  both.set_raw_data(std::string(16, 'x'));
  EXPECT_THAT(refusal(model_with(both)).message(), HasSubstr("has its data twice"));
  auto none = external_tensor("w", kFloat, {4}, "w.bin");
  none.clear_external_data();
  EXPECT_THAT(refusal(model_with(none)).message(), HasSubstr("names no location"));
}

TEST_F(ExternalData, AFileThatShrinksIsAnError) {
  const auto path = folder_.write("w.bin", bytes_of_floats(random_floats(3000, 7)));
  const auto model = load(model_with(external_tensor("w", kFloat, {3000}, "w.bin")));
  fs::resize_file(path, 100);
  EXPECT_EQ(test::error_of([&] { floats_of(view_of(*model, "w")); }).code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace vetquant
