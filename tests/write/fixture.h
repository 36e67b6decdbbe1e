// A model with one weight "w", and emitted graphs in which w was replaced by declared tensors: what the emit room hands on.
#pragma once

#include <onnx/onnx_pb.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "support/model_builder.h"
#include "vetquant/model/graph_index.h"
#include "vetquant/model/model.h"
#include "vetquant/write/write.h"

namespace vetquant::test {

struct Fixture {
  TempFolder folder;
  std::vector<float> values;
  std::shared_ptr<const Model> model;
  TensorView view;
  AlgorithmSet algorithms;

  explicit Fixture(const Dims& dims, uint64_t seed = 1, bool twice = false) {
    size_t count = 1;
    for (int64_t dim : dims) count *= static_cast<size_t>(dim);
    values = random_floats(count, seed);
    TestModel built;
    built.main().input("x", kFloat, {1}).output("y", kFloat, {1}).floats("w", dims, values);
    if (twice) built.main().floats("v", dims, random_floats(count, seed + 1));
    built.main().node("Identity", {"x"}, {"y"}, "pass");
    load(folder.write("float.onnx", built));
  }

  void load(const std::filesystem::path& path) {
    model = Model::load(path);
    view = view_of("w");
  }

  TensorView view_of(const std::string& name) const {
    for (const auto& tensor : model->skeleton().graph().initializer()) {
      if (tensor.name() == name) return TensorView(model->stored(tensor, name));
    }
    throw std::runtime_error("no tensor " + name);
  }

  // The graph without w, to which declared tensors are added.
  Emitted emitted() const {
    Emitted out;
    out.skeleton = std::make_shared<onnx::ModelProto>(model->skeleton());
    auto& all = *out.skeleton->mutable_graph()->mutable_initializer();
    for (int i = 0; i < all.size(); ++i) {
      if (all[i].name() == "w") all.DeleteSubrange(i--, 1);
    }
    return out;
  }

  static void declare(Emitted& out, DeclaredTensor declared) {
    auto& tensor = *out.skeleton->mutable_graph()->add_initializer();
    tensor.set_name(declared.name);
    tensor.set_data_type(static_cast<int>(declared.dtype));
    for (int64_t dim : declared.shape) tensor.add_dims(dim);
    set_mark(tensor, kDeclaredMark, static_cast<int64_t>(out.declared.size()));
    out.declared.push_back(std::move(declared));
  }

  // Codes, scale and (where asked) zero point of w.
  Emitted quantized(QuantJob job, const Shape& code_shape, DType code_type,
                    const std::optional<Shape>& zero_point_shape = {}) const {
    Emitted out = emitted();
    job.name = "w";
    if (job.source.shape().empty()) job.source = view;
    const Shape scale = scale_shape(job.source.shape(), job.layout);
    const DType scale_type = job.spec.scale_type == ScaleType::kFloat16 ? DType::kFloat16
                             : job.spec.scale_type == ScaleType::kLog8  ? DType::kUint8
                                                                        : DType::kFloat32;
    const DType zero_type = job.zero_point_packing == QuantJob::ZeroPointPacking::kFloats ? DType::kFloat32 : code_type;
    out.jobs.push_back(job);
    declare(out, {.name = "w_codes",
                  .dtype = code_type,
                  .shape = code_shape,
                  .kind = RecipeKind::kCodes,
                  .job = 0,
                  .source = {},
                  .proven_equal = {}});
    declare(out, {.name = "w_scale",
                  .dtype = scale_type,
                  .shape = scale,
                  .kind = RecipeKind::kScale,
                  .job = 0,
                  .source = {},
                  .proven_equal = {}});
    if (zero_point_shape) {
      declare(out, {.name = "w_zero",
                    .dtype = zero_type,
                    .shape = *zero_point_shape,
                    .kind = RecipeKind::kZeroPoint,
                    .job = 0,
                    .source = {},
                    .proven_equal = {}});
    }
    return out;
  }

  WriteResult write(const Emitted& emitted, WriteOptions options, const std::string& name = "out.onnx") const {
    options.output = folder.path() / name;
    options.replace = Replace::kYes;
    return write_model(*model, emitted, algorithms, options);
  }
};

// A tensor of a written model, as bytes or floats.
inline std::vector<std::byte> tensor_bytes(const std::filesystem::path& path, const std::string& name) {
  const auto model = Model::load(path);
  for (const auto& tensor : model->skeleton().graph().initializer()) {
    if (tensor.name() != name) continue;
    const TensorView view(model->stored(tensor, name));
    std::vector<std::byte> bytes(bytes_of(view.dtype(), view.elements()));
    read_raw(view, 0, view.elements(), bytes);
    return bytes;
  }
  throw std::runtime_error("no tensor " + name);
}

inline std::vector<float> tensor_floats(const std::filesystem::path& path, const std::string& name) {
  const auto bytes = tensor_bytes(path, name);
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), bytes.size());
  return floats;
}

}  // namespace vetquant::test
