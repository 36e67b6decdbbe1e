// Any bytes are a model that can be used, or an Error that says why not: nothing else may come out of the loader.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "support/memory_file.h"
#include "vetquant/core/error.h"
#include "vetquant/model/graph_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void read_some(const vetquant::TensorView& view) {
  using vetquant::DType;
  const uint64_t total = view.elements();
  const uint64_t count = std::min<uint64_t>(total, 4096);
  const int bits = vetquant::bits_of(view.dtype());
  std::vector<std::byte> head(vetquant::bytes_of(view.dtype(), count));
  vetquant::read_raw(view, 0, count, head);
  if (bits >= 8) {
    std::vector<std::byte> tail(vetquant::bytes_of(view.dtype(), count));
    vetquant::read_raw(view, total - count, count, tail);
  }
  if (total > 65536) return;
  if (vetquant::is_float(view.dtype())) {
    std::vector<float> values(total);
    vetquant::read_floats(view, vetquant::Box::whole(view), values);
  } else if (view.dtype() == DType::kInt64 || view.dtype() == DType::kInt4) {
    std::vector<int64_t> values(total);
    vetquant::read_int64s(view, vetquant::Box::whole(view), values);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const vetquant::test::MemoryFile file({reinterpret_cast<const char*>(data), size});
  try {
    const auto model = vetquant::Model::load(file.path());
    const vetquant::GraphIndex index(model->skeleton());
    vetquant::infer_types(index);
    const vetquant::ConstantFinder constants(*model, index);
    for (size_t v = 0; v < index.values().size(); ++v) {
      const vetquant::ValueId id{static_cast<int32_t>(v)};
      if (const auto view = constants.find(id)) {
        read_some(*view);
        constants.chain(id);
        view->describe();
      }
    }
  } catch (const vetquant::Error&) {
    // The only way to refuse.
  }
  return 0;
}
