#include "message.h"

#include <gtest/gtest.h>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

TEST(Message, WhatIsWrittenIsRead) {
  SessionOptions options;
  options.threads = 3;
  options.optimization = Optimization::kBasic;
  options.config = {{"session.disable_quant_qdq", "1"}};
  MessageWriter writer(MessageKind::kRun);
  writer.options(options);
  writer.tensors(std::vector<NamedTensor>{{"x", make_floats({2}, {1.5F, -2})}, {"empty", make_int64s({0, 3}, {})}});
  writer.infos({{"y", DType::kInt8, {-1, 3}, {"N", ""}}});
  writer.memory({1, 2, 3});
  writer.counts({{"MatMul", 7}});
  writer.real(0.25);
  MessageReader reader(writer.body());
  EXPECT_EQ(reader.kind(), MessageKind::kRun);
  const SessionOptions read = reader.options();
  EXPECT_EQ(describe(read), "3 threads, basic optimizations, session.disable_quant_qdq=1");
  const auto tensors = reader.tensors();
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(to_doubles(tensors[0].tensor), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(tensors[1].tensor.shape, (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(describe(reader.infos().at(0)), "int8[N, 3]");
  EXPECT_EQ(reader.memory().peak_bytes, 3U);
  EXPECT_EQ(reader.counts().at("MatMul"), 7U);
  EXPECT_EQ(reader.real(), 0.25);
}

TEST(Message, EveryTruncationIsAnErrorAndNeverMore) {
  MessageWriter writer(MessageKind::kRun);
  writer.tensors(std::vector<NamedTensor>{{"x", make_floats({2}, {1, 2})}});
  writer.names({"a", "bc"});
  for (size_t length = 0; length < writer.body().size(); ++length) {
    MessageReader reader({writer.body().begin(), writer.body().begin() + static_cast<std::ptrdiff_t>(length)});
    EXPECT_THROW(
        {
          reader.kind();
          reader.tensors();
          reader.names();
        },
        Error)
        << length;
  }
}

TEST(Message, AHugeCountDoesNotAllocate) {
  MessageWriter writer(MessageKind::kRun);
  writer.number(UINT64_MAX / 2);
  MessageReader reader(writer.body());
  reader.kind();
  EXPECT_THROW(reader.tensors(), Error);
}

}  // namespace
}  // namespace vetquant
