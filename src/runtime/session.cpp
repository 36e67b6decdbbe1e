#include "vetquant/runtime/session.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "observe.h"
#include "ort_api.h"
#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

GraphOptimizationLevel level_of(Optimization optimization) {
  switch (optimization) {
    case Optimization::kNone:
      return ORT_DISABLE_ALL;
    case Optimization::kBasic:
      return ORT_ENABLE_BASIC;
    case Optimization::kExtended:
      return ORT_ENABLE_EXTENDED;
    case Optimization::kAll:
      break;
  }
  return ORT_ENABLE_ALL;
}

OrtPtr<OrtSessionOptions> make_options(const OrtApi& ort, const SessionOptions& options) {
  OrtSessionOptions* raw = nullptr;
  check_status(ort, ort.CreateSessionOptions(&raw), "session options");
  OrtPtr<OrtSessionOptions> made(raw, {ort.ReleaseSessionOptions});
  check_status(ort, ort.SetIntraOpNumThreads(raw, options.threads), "threads");
  check_status(ort, ort.SetInterOpNumThreads(raw, 1), "threads");
  check_status(ort, ort.SetSessionExecutionMode(raw, ORT_SEQUENTIAL), "execution mode");
  check_status(ort, ort.SetSessionGraphOptimizationLevel(raw, level_of(options.optimization)), "optimization level");
  // Threads of a model that waits for its turn must not spin on the processors of the one that is measured.
  check_status(ort, ort.AddSessionConfigEntry(raw, "session.force_spinning_stop", "1"), "session.force_spinning_stop");
  for (const auto& [key, value] : options.config) {
    check_status(ort, ort.AddSessionConfigEntry(raw, key.c_str(), value.c_str()), key);
  }
  if (!options.optimized_model.empty()) {
    check_status(ort, ort.SetOptimizedModelFilePath(raw, options.optimized_model.c_str()),
                 options.optimized_model.string());
  }
  return made;
}

// The runtime's numbers are ONNX's but for the last two types.
DType dtype_of(ONNXTensorElementDataType element) {
  if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT2) return DType::kUint2;
  if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT2) return DType::kInt2;
  return static_cast<DType>(element);
}

ONNXTensorElementDataType element_of(DType dtype) {
  if (dtype == DType::kUint2) return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT2;
  if (dtype == DType::kInt2) return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT2;
  return static_cast<ONNXTensorElementDataType>(dtype);
}

double ms_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

enum class Side { kInputs, kOutputs };

TensorInfo tensor_info(const OrtApi& ort, std::string name, const OrtTypeInfo& type) {
  TensorInfo info;
  info.name = std::move(name);
  const OrtTensorTypeAndShapeInfo* tensor = nullptr;
  check_status(ort, ort.CastTypeInfoToTensorInfo(&type, &tensor), info.name);
  if (tensor == nullptr) return info;
  ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  check_status(ort, ort.GetTensorElementType(tensor, &element), info.name);
  info.dtype = dtype_of(element);
  size_t rank = 0;
  check_status(ort, ort.GetDimensionsCount(tensor, &rank), info.name);
  info.shape.resize(rank);
  std::vector<const char*> symbols(rank, nullptr);
  check_status(ort, ort.GetDimensions(tensor, info.shape.data(), rank), info.name);
  check_status(ort, ort.GetSymbolicDimensions(tensor, symbols.data(), rank), info.name);
  for (const char* symbol : symbols) info.symbols.emplace_back(symbol ? symbol : "");
  return info;
}

}  // namespace

struct Session::State {
  std::shared_ptr<const RuntimeLibrary> library;
  const OrtApi* ort = nullptr;
  std::unique_ptr<ObserveOperator> observe;  // where there are observers; outlives the session
  OrtPtr<OrtSession> session{nullptr, {nullptr}};
  OrtPtr<OrtMemoryInfo> memory{nullptr, {nullptr}};
  std::byte nothing{};  // an empty tensor wants an address too

  std::vector<TensorInfo> describe_all(Side side) const {
    const bool outputs = side == Side::kOutputs;
    OrtAllocator* allocator = nullptr;
    check_status(*ort, ort->GetAllocatorWithDefaultOptions(&allocator), "allocator");
    size_t count = 0;
    check_status(
        *ort,
        outputs ? ort->SessionGetOutputCount(session.get(), &count) : ort->SessionGetInputCount(session.get(), &count),
        "session");
    std::vector<TensorInfo> all;
    for (size_t i = 0; i < count; ++i) {
      char* raw_name = nullptr;
      check_status(*ort,
                   outputs ? ort->SessionGetOutputName(session.get(), i, allocator, &raw_name)
                           : ort->SessionGetInputName(session.get(), i, allocator, &raw_name),
                   "session");
      std::string name = raw_name;
      check_status(*ort, ort->AllocatorFree(allocator, raw_name), name);
      OrtTypeInfo* raw_type = nullptr;
      check_status(*ort,
                   outputs ? ort->SessionGetOutputTypeInfo(session.get(), i, &raw_type)
                           : ort->SessionGetInputTypeInfo(session.get(), i, &raw_type),
                   name);
      const OrtPtr<OrtTypeInfo> type(raw_type, {ort->ReleaseTypeInfo});
      all.push_back(tensor_info(*ort, std::move(name), *type));
    }
    return all;
  }

  OrtPtr<OrtValue> value_of(const NamedTensor& input) {
    const HostTensor& tensor = input.tensor;
    check_tensor(tensor, input.name);
    // The runtime does not write into inputs; its interface only lacks the const.
    auto* data = tensor.data.empty() ? &nothing : const_cast<std::byte*>(tensor.data.data());
    OrtValue* raw = nullptr;
    check_status(*ort,
                 ort->CreateTensorWithDataAsOrtValue(memory.get(), data, tensor.data.size(), tensor.shape.data(),
                                                     tensor.shape.size(), element_of(tensor.dtype), &raw),
                 input.name);
    return OrtPtr<OrtValue>(raw, {ort->ReleaseValue});
  }

  HostTensor tensor_of(OrtValue& value, const std::string& name) const {
    OrtTensorTypeAndShapeInfo* raw = nullptr;
    check_status(*ort, ort->GetTensorTypeAndShape(&value, &raw), name);
    const OrtPtr<OrtTensorTypeAndShapeInfo> info(raw, {ort->ReleaseTensorTypeAndShapeInfo});
    ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    check_status(*ort, ort->GetTensorElementType(raw, &element), name);
    HostTensor tensor;
    tensor.dtype = dtype_of(element);
    size_t rank = 0;
    check_status(*ort, ort->GetDimensionsCount(raw, &rank), name);
    tensor.shape.resize(rank);
    check_status(*ort, ort->GetDimensions(raw, tensor.shape.data(), rank), name);
    tensor.data.resize(bytes_of(tensor.dtype, elements_of(tensor)));
    if (tensor.data.empty()) return tensor;
    void* data = nullptr;
    check_status(*ort, ort->GetTensorMutableData(&value, &data), name);
    std::memcpy(tensor.data.data(), data, tensor.data.size());
    return tensor;
  }
};

std::string describe(const SessionOptions& options) {
  std::string text = std::to_string(options.threads) + (options.threads == 1 ? " thread, " : " threads, ");
  switch (options.optimization) {
    case Optimization::kNone:
      text += "no optimizations";
      break;
    case Optimization::kBasic:
      text += "basic optimizations";
      break;
    case Optimization::kExtended:
      text += "extended optimizations";
      break;
    case Optimization::kAll:
      text += "all optimizations";
      break;
  }
  for (const auto& [key, value] : options.config) text += ", " + key + "=" + value;
  return text;
}

Session::Session(std::shared_ptr<const RuntimeLibrary> library, const std::filesystem::path& model,
                 const SessionOptions& options)
    : state_(std::make_unique<State>()) {
  state_->library = std::move(library);
  state_->ort = state_->library->api().ort;
  const OrtApi& ort = *state_->ort;
  const auto made = make_options(ort, options);
  if (options.observers > 0) {
    state_->observe = std::make_unique<ObserveOperator>(*state_->library, options.observers);
    state_->observe->add_to(*made);
  }
  OrtMemoryInfo* memory = nullptr;
  check_status(ort, ort.CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory), "memory info");
  state_->memory = OrtPtr<OrtMemoryInfo>(memory, {ort.ReleaseMemoryInfo});
  OrtSession* raw = nullptr;
  const auto begin = std::chrono::steady_clock::now();
  check_status(ort, ort.CreateSession(state_->library->api().environment, model.c_str(), made.get(), &raw),
               model.string());
  load_ms_ = ms_since(begin);
  state_->session = OrtPtr<OrtSession>(raw, {ort.ReleaseSession});
  inputs_ = state_->describe_all(Side::kInputs);
  outputs_ = state_->describe_all(Side::kOutputs);
}

Session::~Session() = default;

std::vector<quant::ActivationObserver>& Session::observers() {
  if (!state_->observe) throw Error(ErrorCode::kInternal, "a session without observers was asked what they saw");
  return state_->observe->observers();
}

std::vector<NamedTensor> Session::run(std::span<const NamedTensor> inputs, const std::vector<std::string>& wanted) {
  std::vector<OrtPtr<OrtValue>> values;
  std::vector<const OrtValue*> raw_values;
  std::vector<const char*> input_names, output_names;
  for (const NamedTensor& input : inputs) {
    values.push_back(state_->value_of(input));
    raw_values.push_back(values.back().get());
    input_names.push_back(input.name.c_str());
  }
  for (const TensorInfo& output : outputs_) {
    const bool numbers = bits_of(output.dtype) > 0;
    const bool named = std::find(wanted.begin(), wanted.end(), output.name) != wanted.end();
    if (wanted.empty() ? numbers : named) output_names.push_back(output.name.c_str());
  }
  if (!wanted.empty() && output_names.size() != wanted.size()) {
    throw Error(ErrorCode::kUsage, "the model lacks an output that was asked for");
  }
  std::vector<OrtValue*> raw_outputs(output_names.size(), nullptr);
  const auto begin = std::chrono::steady_clock::now();
  check_status(*state_->ort,
               state_->ort->Run(state_->session.get(), nullptr, input_names.data(), raw_values.data(),
                                raw_values.size(), output_names.data(), output_names.size(), raw_outputs.data()),
               "run");
  last_run_ms_ = ms_since(begin);
  std::vector<OrtPtr<OrtValue>> owned;
  for (OrtValue* value : raw_outputs) owned.emplace_back(value, OrtRelease<OrtValue>{state_->ort->ReleaseValue});
  std::vector<NamedTensor> outputs;
  for (size_t i = 0; i < owned.size(); ++i) {
    if (owned[i]) outputs.push_back({output_names[i], state_->tensor_of(*owned[i], output_names[i])});
  }
  return outputs;
}

}  // namespace vetquant
