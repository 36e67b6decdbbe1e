// The C API of ONNX Runtime as the room uses it: no C++ wrapper, no symbol that is linked.
#pragma once

#ifndef ORT_API_MANUAL_INIT
#define ORT_API_MANUAL_INIT
#endif
#include <onnxruntime_c_api.h>

#include <memory>
#include <string>

#include "vetquant/runtime/library.h"

namespace vetquant {

struct RuntimeLibrary::Api {
  const OrtApi* ort = nullptr;
  uint32_t version = 0;           // of that interface
  OrtEnv* environment = nullptr;  // one for the process, made with the library and, like it, never given back
};

// Throws the Error that a status stands for, and releases it; null is success.
void check_status(const OrtApi& ort, OrtStatus* status, const std::string& where);

// unique_ptr for the API's opaque objects: made<OrtValue>(ort, ort.ReleaseValue).
template <class T>
struct OrtRelease {
  void(ORT_API_CALL* release)(T*);
  void operator()(T* object) const { release(object); }
};
template <class T>
using OrtPtr = std::unique_ptr<T, OrtRelease<T>>;

}  // namespace vetquant
