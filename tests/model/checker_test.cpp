#include <filesystem>

#include "load_fixture.h"

namespace vetquant {
namespace {

using test::kFloat;
using test::random_floats;
using test::TestModel;
using testing::HasSubstr;

using Checker = test::Loaded;

TestModel matmul_model() {
  TestModel made;
  made.main().input("x", kFloat, {-1, 20}).output("y", kFloat, {-1, 30}).floats("w", {20, 30}, random_floats(600, 1));
  made.main().node("MatMul", {"x", "w"}, {"y"}, "fc");
  return made;
}

TEST_F(Checker, HasNoComplaintAboutAValidModelWithoutItsWeights) {
  EXPECT_EQ(checker_complaint(*load(matmul_model())), std::nullopt);
}

TEST_F(Checker, SeesMarksInBranchesAndConstants) {
  TestModel made = matmul_model();
  made.main().input("c", onnx::TensorProto::BOOL, {});
  auto& decide = made.main().node("If", {"c"}, {"z"}, "decide");
  for (const char* name : {"then_branch", "else_branch"}) {
    auto branch = test::subgraph(decide, name);
    branch.constant(std::string("k_") + name, test::float_tensor("", {300}, random_floats(300, 2)));
    branch.output(std::string("k_") + name, kFloat, {300});
  }
  EXPECT_EQ(checker_complaint(*load(made)), std::nullopt);
}

TEST_F(Checker, FollowsALinkToTheModel) {
  folder_.write("blobs/aaa", matmul_model());
  std::filesystem::create_symlink("blobs/aaa", folder_.path() / "model.onnx");
  EXPECT_EQ(checker_complaint(*Model::load(folder_.path() / "model.onnx")), std::nullopt);
}

TEST_F(Checker, SaysWhatIsWrongInOneLine) {
  TestModel made = matmul_model();
  made.main().node("Softmax", {"y", "x"}, {"z"}, "soft");
  const auto complaint = checker_complaint(*load(made));
  ASSERT_TRUE(complaint);
  EXPECT_THAT(*complaint, HasSubstr("Softmax"));
  EXPECT_EQ(complaint->find('\n'), std::string::npos);
}

}  // namespace
}  // namespace vetquant
