// Small steps over the wire format that the scanners share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scan_context.h"
#include "vetquant/model/wire.h"

namespace vetquant {

struct WireTag {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t begin = 0;  // in the file
};

// Error{kBadModel} for field number 0, groups and unknown wire types.
WireTag read_tag(FileCursor& cursor, uint64_t end);

// Length of a kBytes field, checked against the end of its message.
uint64_t read_length(FileCursor& cursor, uint64_t end);

void skip_field(FileCursor& cursor, const WireTag& tag, uint64_t end);
void copy_field(ScanContext& context, const WireTag& tag, uint64_t end, std::string& out);

void append_bytes(uint32_t number, std::string_view bytes, std::string& out);
void append_tensor_head(const std::vector<int64_t>& dims, int32_t type, std::string& out);  // dims and data_type

}  // namespace vetquant
