#include "observe.h"

#include <algorithm>
#include <array>

#include "vetquant/core/error.h"
#include "vetquant/core/half.h"
#include "vetquant/runtime/observed_model.h"

namespace vetquant {
namespace {

constexpr uint32_t kLeastApi = 16;  // callbacks that can fail

// One node's kernel.
struct Kernel {
  const OrtApi* ort;
  quant::ActivationObserver* observer;
};

struct Callbacks : OrtCustomOp {
  std::vector<quant::ActivationObserver> observers;
};

template <class Stored, class Widen>
void observe_pieces(quant::ActivationObserver& observer, const void* data, size_t count, const Widen& widen) {
  std::array<float, 4096> buffer;
  const std::span values(static_cast<const Stored*>(data), count);
  for (size_t begin = 0; begin < count; begin += buffer.size()) {
    const auto piece = values.subspan(begin, std::min(buffer.size(), count - begin));
    const auto floats = std::span(buffer).first(piece.size());
    widen(piece, floats);
    observer.add(floats);
  }
}

void observe(quant::ActivationObserver& observer, ONNXTensorElementDataType type, const void* data, size_t count) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return observer.add({static_cast<const float*>(data), count});
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
      return observe_pieces<uint16_t>(observer, data, count, halves_to_floats);
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
      return observe_pieces<uint16_t>(observer, data, count, bfloat16s_to_floats);
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return observe_pieces<double>(observer, data, count, [](std::span<const double> from, std::span<float> to) {
        std::transform(from.begin(), from.end(), to.begin(), [](double value) { return static_cast<float>(value); });
      });
    default:
      return;
  }
}

OrtStatus* ORT_API_CALL create_kernel(const OrtCustomOp* callbacks, const OrtApi* ort, const OrtKernelInfo* info,
                                      void** kernel) {
  auto& all = const_cast<Callbacks*>(static_cast<const Callbacks*>(callbacks))->observers;
  int64_t number = -1;
  if (OrtStatus* failed = ort->KernelInfoGetAttribute_int64(info, kObserverAttribute, &number)) return failed;
  if (number < 0 || static_cast<size_t>(number) >= all.size())
    return ort->CreateStatus(ORT_INVALID_ARGUMENT, "an Observe node names an observer that there is not");
  *kernel = new Kernel{ort, &all[static_cast<size_t>(number)]};
  return nullptr;
}

OrtStatus* ORT_API_CALL compute(void* kernel, OrtKernelContext* context) {
  const auto& [ort, observer] = *static_cast<Kernel*>(kernel);
  const OrtValue* value = nullptr;
  if (OrtStatus* failed = ort->KernelContext_GetInput(context, 0, &value)) return failed;
  OrtTensorTypeAndShapeInfo* raw = nullptr;
  if (OrtStatus* failed = ort->GetTensorTypeAndShape(value, &raw)) return failed;
  const OrtPtr<OrtTensorTypeAndShapeInfo> info(raw, {ort->ReleaseTensorTypeAndShapeInfo});
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  if (OrtStatus* failed = ort->GetTensorElementType(raw, &type)) return failed;
  size_t count = 0;
  if (OrtStatus* failed = ort->GetTensorShapeElementCount(raw, &count)) return failed;
  void* data = nullptr;
  if (OrtStatus* failed = ort->GetTensorMutableData(const_cast<OrtValue*>(value), &data)) return failed;
  observe(*observer, type, data, count);
  const int64_t nothing = 0;
  OrtValue* output = nullptr;
  return ort->KernelContext_GetOutput(context, 0, &nothing, 1, &output);
}

void fill(OrtCustomOp& op) {
  op.version = kLeastApi;
  op.CreateKernelV2 = create_kernel;
  op.KernelComputeV2 = compute;
  op.KernelDestroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  op.GetName = [](const OrtCustomOp*) { return kObserveOperator; };
  op.GetExecutionProviderType = [](const OrtCustomOp*) -> const char* { return nullptr; };
  op.GetInputTypeCount = [](const OrtCustomOp*) -> size_t { return 1; };
  op.GetInputType = [](const OrtCustomOp*, size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED; };  // any
  op.GetOutputTypeCount = [](const OrtCustomOp*) -> size_t { return 1; };
  op.GetOutputType = [](const OrtCustomOp*, size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8; };
  op.GetInputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
  op.GetOutputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
  op.GetInputMemoryType = [](const OrtCustomOp*, size_t) { return OrtMemTypeDefault; };
  op.GetVariadicInputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 0; };
  op.GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 0; };
}

}  // namespace

struct ObserveOperator::State {
  const OrtApi* ort = nullptr;
  Callbacks callbacks{};
  OrtPtr<OrtCustomOpDomain> domain{nullptr, {nullptr}};
};

ObserveOperator::ObserveOperator(const RuntimeLibrary& library, size_t observers) : state_(std::make_unique<State>()) {
  if (library.api().version < kLeastApi) {
    throw Error(ErrorCode::kUnsupported,
                "ONNX Runtime " + library.version() + " cannot observe activations; 1.16 is the least",
                library.path().string());
  }
  state_->ort = library.api().ort;
  fill(state_->callbacks);
  state_->callbacks.observers.resize(observers);
  OrtCustomOpDomain* domain = nullptr;
  check_status(*state_->ort, state_->ort->CreateCustomOpDomain(kObserveDomain, &domain), kObserveDomain);
  state_->domain = OrtPtr<OrtCustomOpDomain>(domain, {state_->ort->ReleaseCustomOpDomain});
  check_status(*state_->ort, state_->ort->CustomOpDomain_Add(domain, &state_->callbacks), kObserveOperator);
}

ObserveOperator::~ObserveOperator() = default;

void ObserveOperator::add_to(OrtSessionOptions& options) {
  check_status(*state_->ort, state_->ort->AddCustomOpDomain(&options, state_->domain.get()), kObserveDomain);
}

std::vector<quant::ActivationObserver>& ObserveOperator::observers() { return state_->callbacks.observers; }

}  // namespace vetquant
