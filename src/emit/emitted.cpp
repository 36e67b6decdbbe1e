#include "vetquant/emit/emitted.h"

#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"

namespace vetquant {

uint64_t DeclaredTensor::bytes() const {
  const auto elements = checked_elements(shape);
  if (!elements) throw Error(ErrorCode::kInternal, "a declared tensor has an impossible shape", name);
  return bytes_of(dtype, *elements);
}

}  // namespace vetquant
