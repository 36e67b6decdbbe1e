// What a model file may ask of us. Beyond a limit it is refused with one line (Error{kBadModel}).
#pragma once

#include <cstdint>

namespace vetquant::limits {

// Messages inside messages; protobuf's own default, so that whatever a runtime can parse passes: 33 nested graphs.
inline constexpr int kMessageDepth = 100;

// Of the skeleton: everything but the payloads of tensors. Protobuf itself ends at 2 GiB.
inline constexpr uint64_t kSkeletonBytes = 1ull << 30;

// Estimated memory of the parsed skeleton: a 2-byte empty message becomes an object of some 200 bytes.
inline constexpr uint64_t kSkeletonMemoryBytes = 4ull << 30;
inline constexpr uint64_t kMessageMemoryBytes = 256;
inline constexpr uint64_t kFieldMemoryBytes = 40;

// Of all addresses of nodes and values.
inline constexpr uint64_t kAddressBytes = 256ull << 20;

// What ONNX's shape inference is trusted with; beyond, functions and data propagation are left out.
inline constexpr uint64_t kInferredNodes = 4'000'000;
inline constexpr uint64_t kInferredCallDepth = 64;
inline constexpr uint64_t kInferredList = 1'000'000;

inline constexpr uint64_t kTensorRank = 255;

// Distance of the known positions in a stream of varints, so that reading in the middle need not start at its head.
inline constexpr uint64_t kCheckpointEntries = uint64_t{64} * 1024;

// Pieces of one view: a Concat of a Concat of ... doubles them at every step.
inline constexpr uint64_t kViewPieces = 4096;
// Pieces of all views that a ConstantFinder holds.
inline constexpr uint64_t kAllViewPieces = 4u << 20;

}  // namespace vetquant::limits
