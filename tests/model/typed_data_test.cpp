// Weights in typed fields: packed, unpacked, in several parts, in the least and the most convenient type.
#include <cstring>
#include <numeric>

#include "load_fixture.h"

namespace vetquant {
namespace {

using test::floats_of;
using test::ints_of;
using test::message_field;
using test::model_with_tensor;
using test::varint_field;
using test::view_of;
using testing::ElementsAre;
using testing::HasSubstr;

using TypedData = test::Loaded;

constexpr uint32_t kDims = 1, kType = 2, kFloatData = 4, kInt32Data = 5, kInt64Data = 7, kRaw = 9, kDoubleData = 10,
                   kUint64Data = 11;

std::string head(const std::vector<int64_t>& dims, DType type) {
  std::string out;
  for (int64_t dim : dims) out += varint_field(kDims, static_cast<uint64_t>(dim));
  return out + varint_field(kType, static_cast<uint64_t>(type));
}

std::string float_bits(float value) {
  std::string bits(4, '\0');
  std::memcpy(bits.data(), &value, 4);
  return bits;
}

std::string unpacked_float(float value) {
  std::string out;
  append_tag(out, kFloatData, WireType::kFixed32);
  return out + float_bits(value);
}

std::string packed_floats(uint32_t field, const std::vector<float>& values) {
  std::string bytes;
  for (float value : values) bytes += float_bits(value);
  return message_field(field, bytes);
}

std::string packed_varints(uint32_t field, const std::vector<int64_t>& values) {
  std::string bytes;
  for (int64_t value : values) append_varint(bytes, static_cast<uint64_t>(value));
  return message_field(field, bytes);
}

std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.5f);
  return values;
}

TEST_F(TypedData, FloatsPackedUnpackedAndInPartsAreOneTensor) {
  const auto values = ramp(1000);
  std::string fields = head({1000}, DType::kFloat32);
  fields += packed_floats(kFloatData, {values.begin(), values.begin() + 400});
  for (size_t i = 400; i < 700; ++i) fields += unpacked_float(values[i]);
  fields += packed_floats(kFloatData, {values.begin() + 700, values.begin() + 701});
  fields += packed_floats(kFloatData, {});
  fields += unpacked_float(values[701]);
  fields += message_field(12, "a doc string in the middle");
  for (size_t i = 702; i < 1000; ++i) fields += unpacked_float(values[i]);
  const auto model = load(model_with_tensor(fields));
  EXPECT_GE(mark_of(model->skeleton().graph().initializer(0), kPayloadMark), 0);
  EXPECT_EQ(model->skeleton().graph().initializer(0).doc_string(), "a doc string in the middle");
  const TensorView view = view_of(*model, "w");
  EXPECT_EQ(floats_of(view), values);
  std::vector<float> middle(600);
  read_floats(view, {{350}, {600}}, middle);
  EXPECT_TRUE(std::equal(middle.begin(), middle.end(), values.begin() + 350));
}

TEST_F(TypedData, SmallOnesBecomeRawData) {
  const auto model = load(model_with_tensor(head({3}, DType::kInt8) + packed_varints(kInt32Data, {-128, 0, 127})));
  const auto& tensor = model->skeleton().graph().initializer(0);
  EXPECT_EQ(mark_of(tensor, kPayloadMark), -1);
  EXPECT_EQ(tensor.raw_data(), std::string("\x80\x00\x7f", 3));
  EXPECT_EQ(tensor.int32_data_size(), 0);
  EXPECT_THAT(ints_of(view_of(*model, "w")), ElementsAre(-128, 0, 127));
}

TEST_F(TypedData, HalvesInInt32Data) {
  std::vector<int64_t> bits(2000, 0x3c00);
  bits[1999] = 0xc000;
  const auto model = load(model_with_tensor(head({2000}, DType::kFloat16) + packed_varints(kInt32Data, bits)));
  const auto values = floats_of(view_of(*model, "w"));
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[1999], -2.0f);
}

TEST_F(TypedData, NegativeAndWideVarints) {
  std::vector<int64_t> values(500, -1);
  values[0] = std::numeric_limits<int64_t>::min();
  values[499] = std::numeric_limits<int64_t>::max();
  const auto model = load(model_with_tensor(head({500}, DType::kInt64) + packed_varints(kInt64Data, values)));
  EXPECT_EQ(ints_of(view_of(*model, "w")), values);
  const TensorView view = view_of(*model, "w");
  EXPECT_EQ(view.pieces()[0].stored->stored_bytes, 499u * 10 + 9);
}

TEST_F(TypedData, UnsignedWordsInUint64Data) {
  std::vector<int64_t> values(300, 0xffffffff);
  const auto model = load(model_with_tensor(head({300}, DType::kUint32) + packed_varints(kUint64Data, values)));
  EXPECT_EQ(ints_of(view_of(*model, "w")), values);
}

TEST_F(TypedData, DoublesAreReadAsFloats) {
  std::string bytes;
  for (int i = 0; i < 200; ++i) {
    const double value = 0.1 * i;
    bytes.append(reinterpret_cast<const char*>(&value), 8);
  }
  const auto model = load(model_with_tensor(head({200}, DType::kFloat64) + message_field(kDoubleData, bytes)));
  EXPECT_EQ(floats_of(view_of(*model, "w"))[199], static_cast<float>(0.1 * 199));
}

TEST_F(TypedData, VarintStreamsAreReadFromCheckpointsInTheMiddle) {
  constexpr size_t kCount = 200'000;  // three checkpoints
  std::vector<int64_t> values(kCount);
  for (size_t i = 0; i < kCount; ++i) values[i] = static_cast<int64_t>((i * 2654435761u) % 70000) - 35000;
  std::string unpacked = head({static_cast<int64_t>(kCount)}, DType::kInt32);
  for (int64_t value : values) unpacked += varint_field(kInt32Data, static_cast<uint64_t>(value));
  const std::string packed = head({static_cast<int64_t>(kCount)}, DType::kInt32) + packed_varints(kInt32Data, values);
  for (const auto& fields : {packed, unpacked}) {
    const auto model = load(model_with_tensor(fields));
    const TensorView view = view_of(*model, "w");
    for (const int64_t start : {0, 65535, 65536, 65537, 131072, 199'990}) {
      std::vector<int64_t> part(10);
      read_int64s(view, {{start}, {10}}, part);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), values.begin() + start)) << start;
    }
  }
}

TEST_F(TypedData, NibblesInInt32DataAreBytesOfTwo) {
  std::vector<int64_t> bytes(600, 0x21);
  bytes[0] = 0xf8;  // low nibble first: -8, -1
  const auto model = load(model_with_tensor(head({1199}, DType::kInt4) + packed_varints(kInt32Data, bytes)));
  const auto values = ints_of(view_of(*model, "w"));
  EXPECT_EQ(values[0], -8);
  EXPECT_EQ(values[1], -1);
  EXPECT_EQ(values[2], 1);
  EXPECT_EQ(values[3], 2);
  EXPECT_EQ(values.size(), 1199u);
}

TEST_F(TypedData, WhatDoesNotFitIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {head({3}, DType::kFloat32) + packed_floats(kFloatData, {1, 2}),
       "fp32[3] needs 12 bytes, but float_data holds 8"},
      {head({3}, DType::kFloat32), "fp32[3] needs 12 bytes, but it has no data"},
      {head({2}, DType::kFloat32) + message_field(kRaw, "1234567"), "needs 8 bytes, but raw_data holds 7"},
      {head({1}, DType::kFloat32) + message_field(kFloatData, "12345"), "no whole number of values"},
      {head({1}, DType::kFloat32) + message_field(kRaw, "1234") + packed_floats(kFloatData, {1}),
       "has its data twice: in raw_data and in float_data"},
      {head({1}, DType::kFloat32) + message_field(kRaw, "1234") + message_field(kRaw, "1234"), "has raw_data twice"},
      {head({1}, DType::kFloat32) + packed_varints(kInt64Data, {1}), "int64_data cannot hold values of type fp32"},
      {head({1}, DType::kInt8) + packed_varints(kInt32Data, {128}), "the value 128 is no int8"},
      {head({1}, DType::kBool) + packed_varints(kInt32Data, {2}), "the value 2 is no bool"},
      {head({1}, DType::kFloat16) + packed_varints(kInt32Data, {-1}), "the value -1 is no fp16"},
      {head({1}, DType::kString) + message_field(kRaw, "x"), "holds strings, which belong into string_data"},
      {head({2}, DType::kString) + message_field(6, "x"), "needs 2 strings, but string_data holds 1"},
      {head({-1}, DType::kFloat32) + message_field(kRaw, ""), "negative dimension -1"},
      {head({1ll << 40, 1ll << 40}, DType::kFloat32) + message_field(kRaw, ""), "too large for any file"},
      {head({1ll << 32, 1ll << 32, 1ll << 32, 0}, DType::kFloat32) + message_field(kRaw, "1"),
       "too large for any file"},
      {head({1}, DType::kFloat32) + message_field(3, ""), "stored in segments"},
      {head({1}, DType::kFloat32) + varint_field(kFloatData, 1), "float_data has the wrong wire type"},
  };
  for (const auto& [fields, message] : cases) {
    const Error error = refusal(model_with_tensor(fields));
    EXPECT_EQ(error.code(), ErrorCode::kBadModel);
    EXPECT_THAT(error.message(), HasSubstr(message));
    EXPECT_THAT(error.where(), HasSubstr("model.onnx: byte "));
  }
}

TEST_F(TypedData, ErrorsNameTheTensor) {
  const Error error = refusal(model_with_tensor(head({3}, DType::kFloat32) + message_field(kRaw, "1234")));
  EXPECT_THAT(error.where(), HasSubstr("tensor 'w'"));
}

TEST_F(TypedData, UnknownTypesStayUntouched) {
  const std::string bytes(5000, 'x');
  const auto model =
      load(model_with_tensor(varint_field(kDims, 3) + varint_field(kType, 99) + message_field(kRaw, bytes)));
  const auto& tensor = model->skeleton().graph().initializer(0);
  EXPECT_EQ(tensor.data_type(), 99);
  EXPECT_EQ(tensor.raw_data(), bytes);
}

TEST_F(TypedData, StringsStayInTheSkeleton) {
  std::string fields = head({300}, DType::kString);
  for (int i = 0; i < 300; ++i) fields += message_field(6, "word " + std::to_string(i));
  const auto model = load(model_with_tensor(fields));
  EXPECT_EQ(model->skeleton().graph().initializer(0).string_data(299), "word 299");
}

}  // namespace
}  // namespace vetquant
