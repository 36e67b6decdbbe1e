#include "vetquant/pipeline/measure_costs.h"

#include <onnx/onnx_pb.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "vetquant/core/error.h"
#include "vetquant/core/temporary_folder.h"
#include "vetquant/eval/judge.h"
#include "vetquant/eval/random.h"
#include "vetquant/pipeline/pipeline.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

struct Matrix {
  int64_t k = 0, n = 0;
};

// What speech and language models of a phone have: attention, both sides of a feed-forward layer, a piece of a vocabulary head.
struct Sizes {
  std::vector<Matrix> matrices = {{384, 384}, {512, 2048}, {2048, 512}, {2048, 2048}, {512, 32768}};
  std::vector<int64_t> rows = {1, 4, 16, 64, 256, 1024};
  int64_t weights = int64_t{12} << 20;  // of all layers of a model: more than caches hold, as in a real one
  int64_t products = int64_t{8} << 30;  // of a run, at most: larger sizes are left out
};

Sizes sizes_of(bool quick) {
  if (!quick) return {};
  return {.matrices = {{256, 256}}, .rows = {1, 16, 64}, .weights = int64_t{1} << 18, .products = int64_t{1} << 30};
}

std::vector<ProductForm> measured_forms() {
  return {{.form = FormChoice::kDynamicInteger, .weight_bits = 8},
          {.form = FormChoice::kMatMulNBits, .weight_bits = 8, .accuracy_level = 4},
          {.form = FormChoice::kMatMulNBits, .weight_bits = 4, .accuracy_level = 4},
          {.form = FormChoice::kMatMulNBits, .weight_bits = 4, .accuracy_level = 0}};
}

std::string policy_text(const ProductForm& form, const TargetProfile& target) {
  std::string use = std::string("weights: ") + (form.weight_bits == 8 ? "int8" : "int4") +
                    ", form: " + std::string(name_of(form.form));
  if (form.form == FormChoice::kMatMulNBits) {
    use += ", block: " + std::string(form.weight_bits == 8 ? "128" : "32") +
           ", accuracy_level: " + std::to_string(form.accuracy_level);
  } else {
    use += std::string(", granularity: channel, symmetric: true") + (target.saturates_u8s8 ? ", range: 7bit" : "");
  }
  return "version: 1\ndefaults: {" + use + "}\n";
}

void add_value(onnx::ValueInfoProto& value, const std::string& name, const std::string& first_dim, int64_t last_dim) {
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param(first_dim);
  type.mutable_shape()->add_dim()->set_dim_value(last_dim);
}

void add_indices(onnx::GraphProto& graph, const std::string& name, int64_t value) {
  auto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(1);
  tensor.add_int64_data(value);
}

void add_node(onnx::GraphProto& graph, const std::string& op, const std::vector<std::string>& inputs,
              const std::string& output) {
  auto& node = *graph.add_node();
  node.set_op_type(op);
  node.set_name("/" + output);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
}

// Layers side by side: x[rows, K] @ W[K, N], of which only the first column is given back.
onnx::ModelProto products(const Matrix& matrix, int64_t layers) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("products");
  add_value(*graph.add_input(), "x", "rows", matrix.k);
  add_indices(graph, "first", 0);
  add_indices(graph, "second", 1);
  Random random(1);
  for (int64_t layer = 0; layer < layers; ++layer) {
    const std::string number = std::to_string(layer);
    auto& weight = *graph.add_initializer();
    weight.set_name("w" + number);
    weight.set_data_type(onnx::TensorProto::FLOAT);
    weight.add_dims(matrix.k);
    weight.add_dims(matrix.n);
    std::vector<float> values(static_cast<size_t>(matrix.k * matrix.n));
    for (float& value : values) value = static_cast<float>(0.04 * random.uniform() - 0.02);
    weight.set_raw_data(values.data(), values.size() * sizeof(float));
    add_node(graph, "MatMul", {"x", "w" + number}, "product" + number);
    add_node(graph, "Slice", {"product" + number, "first", "second", "second"}, "y" + number);
    add_value(*graph.add_output(), "y" + number, "rows", 1);
  }
  return model;
}

void save(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())) || !file.flush())
    throw Error(ErrorCode::kIo, "cannot be written; is the disk full? ($TMPDIR names another place)", path.string());
}

class Bench {
 public:
  Bench(const TargetProfile& target, const MeasureSettings& settings)
      : target_(target), settings_(settings), folder_("measure") {
    save(target_path(), target.text);
  }

  CostTable run() {
    const Sizes sizes = sizes_of(settings_.quick);
    const uint64_t total = sizes.matrices.size() * sizes.rows.size();
    uint64_t done = 0;
    for (const Matrix& matrix : sizes.matrices) {
      const int64_t layers = std::max<int64_t>(1, sizes.weights / (matrix.k * matrix.n));
      const std::vector<fs::path> models = write_models(matrix, layers);
      const size_t first = table_.products.size();
      for (const ProductForm& form : forms_)
        table_.products.push_back({.form = form, .k = matrix.k, .n = matrix.n, .points = {}});
      for (const int64_t rows : sizes.rows) {
        if (rows * layers * matrix.k * matrix.n <= sizes.products) add_points(models, rows, first);
        if (settings_.progress) settings_.progress({"measure", ++done, total, "sizes"});
      }
    }
    return std::move(table_);
  }

 private:
  fs::path target_path() const { return folder_.path() / "target.yaml"; }

  std::vector<fs::path> write_models(const Matrix& matrix, int64_t layers) {
    std::vector<fs::path> models = {folder_.path() / "float.onnx"};
    save(models[0], products(matrix, layers).SerializeAsString());
    for (size_t i = 0; i < forms_.size(); ++i) {
      const fs::path policy = folder_.path() / "policy.yaml";
      save(policy, policy_text(forms_[i], target_));
      Request request;
      request.model = models[0];
      request.policy = policy.string();
      request.target = target_path().string();
      models.push_back(folder_.path() / ("form" + std::to_string(i) + ".onnx"));
      WriteOptions options;
      options.output = models.back();
      options.replace = Replace::kYes;
      quantize(prepare(request), AlgorithmSet(), options);
    }
    return models;
  }

  void add_points(const std::vector<fs::path>& models, int64_t rows, size_t first) {
    JudgeOptions options;
    options.models = models;
    options.runtime_library = settings_.runtime_library;
    options.session.threads = settings_.threads;
    options.worker = settings_.worker;
    options.timed_rounds = settings_.rounds;
    options.count_operators = CountOperators::kNo;
    RandomSettings random;
    random.allowed = true;
    random.samples = 1;
    random.dims["rows"] = rows;
    const Judgement judged = judge(random_test_set(random), options);
    table_.source = "ONNX Runtime " + judged.runtime_version + ", " + judged.session;
    check_ran(judged.models[0], "float");
    for (size_t i = 0; i < forms_.size(); ++i) {
      check_ran(judged.models[i + 1], form_words(forms_[i]));
      const double share = find_metric(judged.models[i + 1], "latency_ms")->ratio->value;
      table_.products[first + i].points.push_back({rows, rounded(share)});
    }
  }

  static void check_ran(const ModelResult& model, const std::string& form) {
    if (!model.failure.empty()) throw Error(ErrorCode::kGate, model.failure, "product in " + form);
  }

  static std::string form_words(const ProductForm& form) {
    return std::string(name_of(form.form)) + " " + std::to_string(form.weight_bits) + " bits";
  }

  static double rounded(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", share);
    return std::strtod(text, nullptr);
  }

  const TargetProfile& target_;
  const MeasureSettings& settings_;
  const TemporaryFolder folder_;
  const std::vector<ProductForm> forms_ = measured_forms();
  CostTable table_;
};

}  // namespace

CostTable measure_costs(const TargetProfile& target, const MeasureSettings& settings) {
  return Bench(target, settings).run();
}

}  // namespace vetquant
