// Writes .npy and .npz for tests, without NumPy.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace vetquant::test {

template <class T>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<T>& values,
                const std::string& order = "False") {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }";
  header.resize((header.size() + 10) / 64 * 64 + 64 - 10, ' ');
  header.back() = '\n';
  std::string out("\x93NUMPY\x01\0", 8);
  out += static_cast<char>(header.size() & 255);
  out += static_cast<char>(header.size() >> 8);
  return out + header + std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string deflated(const std::string& bytes) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(bytes.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

enum class Pack { kStored, kDeflated };

inline std::string npz(const std::vector<std::pair<std::string, std::string>>& arrays, Pack pack = Pack::kStored) {
  std::string out, directory;
  for (const auto& [name, bytes] : arrays) {
    const std::string member = name + ".npy", packed = pack == Pack::kDeflated ? deflated(bytes) : bytes;
    const auto crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    const auto offset = static_cast<uint32_t>(out.size());
    std::string common;
    for (const uint16_t value :
         {uint16_t{20}, uint16_t{0}, static_cast<uint16_t>(pack == Pack::kDeflated ? 8 : 0), uint16_t{0}, uint16_t{0}})
      put(common, value);
    for (const uint32_t value : {crc, static_cast<uint32_t>(packed.size()), static_cast<uint32_t>(bytes.size())})
      put(common, value);
    put(common, static_cast<uint16_t>(member.size()));
    put(common, uint16_t{0});
    out += "PK\x03\x04" + common + member + packed;
    directory += "PK\x01\x02" + std::string("\x14\0", 2) + common + std::string(10, '\0');
    put(directory, offset);
    directory += member;
  }
  const auto begin = static_cast<uint32_t>(out.size());
  out += directory + "PK\x05\x06" + std::string(4, '\0');
  for (int i = 0; i < 2; ++i) put(out, static_cast<uint16_t>(arrays.size()));
  put(out, static_cast<uint32_t>(directory.size()));
  put(out, begin);
  put(out, uint16_t{0});
  return out;
}

}  // namespace vetquant::test
