// Protobuf framing of models of any size. The skeleton is serialized (it is small), then its wire format is walked: each
// marked tensor becomes a *gap*, the place where its payload belongs, and the lengths of all messages around it are widened.
// So a model above protobuf's 2 GB limit, with payloads in attributes of nested subgraphs, is framed without ever being
// one object in memory. (protobuf.dev "Encoding"; field numbers from onnx.proto.)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/emit/emitted.h"

namespace vetquant {

struct Gap {
  uint64_t offset = 0;  // in the file that holds it: the model, or the sidecar
  uint64_t bytes = 0;
  int declared = -1;                           // index into Emitted::declared, or
  std::shared_ptr<const StoredTensor> stored;  // a tensor of the source model that stays
};

struct Framed {
  std::string literals;          // the model file without its gaps
  std::vector<uint64_t> gap_at;  // position in `literals` of each gap; empty where payloads are in a sidecar
  std::vector<Gap> gaps;         // in file order
  uint64_t model_bytes = 0;
  uint64_t sidecar_bytes = 0;
};

// Payloads within the model file, or, where `sidecar_name` is given, in a file of that name.
Framed frame_model(const Model& model, const Emitted& emitted, const std::optional<std::string>& sidecar_name);

}  // namespace vetquant
