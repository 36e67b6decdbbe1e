#include "zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

constexpr uint64_t kMostMembers = 1'000'000;
constexpr uint64_t kDeflateRatio = 1032;  // the most that a deflated byte can become

template <class T>
T at(const std::vector<std::byte>& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// The zip64 field takes the place of each size that is all ones, in this order.
void apply_zip64(const std::vector<std::byte>& directory, size_t begin, size_t end, ZipMember& member) {
  constexpr uint64_t kAllOnes = 0xFFFFFFFF;
  while (end - begin >= 4) {
    const uint16_t id = at<uint16_t>(directory, begin), size = at<uint16_t>(directory, begin + 2);
    begin += 4;
    if (size > end - begin) return;
    size_t next = begin;
    const size_t field_end = begin + size;
    for (uint64_t* value : {&member.bytes, &member.packed_bytes, &member.header_offset}) {
      if (id != 1 || *value != kAllOnes || field_end - next < 8) continue;
      *value = at<uint64_t>(directory, next);
      next += 8;
    }
    begin = field_end;
  }
}

std::vector<std::byte> inflated(const std::vector<std::byte>& packed, uint64_t bytes) {
  std::vector<std::byte> out(bytes);
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return {};
  size_t taken = 0, made = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    constexpr size_t kStep = std::numeric_limits<uInt>::max() / 2;
    const size_t in = std::min(packed.size() - taken, kStep), room = std::min(out.size() - made, kStep);
    std::byte none{};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + taken));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(room ? out.data() + made : &none);
    stream.avail_out = static_cast<uInt>(room);
    status = inflate(&stream, Z_NO_FLUSH);
    const size_t used = in - stream.avail_in, written = room - stream.avail_out;
    taken += used;
    made += written;
    if (status == Z_OK && used == 0 && written == 0) break;
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || made != bytes) out.clear();
  return out;
}

}  // namespace

void ZipReader::fail(const std::string& what) const { throw Error(ErrorCode::kUsage, what, file_->path().string()); }

std::vector<std::byte> ZipReader::bytes_at(uint64_t offset, uint64_t count) const {
  if (offset > file_->size_bytes() || count > file_->size_bytes() - offset)
    fail("is a broken .npz archive: it points beyond its end");
  std::vector<std::byte> bytes(count);
  file_->read(offset, bytes);
  return bytes;
}

void ZipReader::find_directory(uint64_t& offset, uint64_t& count, uint64_t& bytes) const {
  constexpr uint64_t kEndBytes = 22, kLongestComment = 65535, kLocatorBytes = 20, kEnd64Bytes = 56;
  const uint64_t tail = std::min<uint64_t>(file_->size_bytes(), kEndBytes + kLongestComment);
  const uint64_t begin = file_->size_bytes() - tail;
  const auto window = bytes_at(begin, tail);
  if (tail < kEndBytes) fail("is not an .npz archive");
  size_t end = tail - kEndBytes + 1;
  while (end-- > 0) {
    if (at<uint32_t>(window, end) == 0x06054B50) break;
    if (end == 0) fail("is not an .npz archive, or was cut off");
  }
  count = at<uint16_t>(window, end + 10);
  bytes = at<uint32_t>(window, end + 12);
  offset = at<uint32_t>(window, end + 16);
  if (count != 0xFFFF && bytes != 0xFFFFFFFF && offset != 0xFFFFFFFF) return;
  if (begin + end < kLocatorBytes) fail("is a broken .npz archive: its zip64 locator is missing");
  const auto locator = bytes_at(begin + end - kLocatorBytes, kLocatorBytes);
  if (at<uint32_t>(locator, 0) != 0x07064B50) fail("is a broken .npz archive: its zip64 locator is missing");
  const auto end64 = bytes_at(at<uint64_t>(locator, 8), kEnd64Bytes);
  if (at<uint32_t>(end64, 0) != 0x06064B50) fail("is a broken .npz archive: its zip64 end record is missing");
  count = at<uint64_t>(end64, 32);
  bytes = at<uint64_t>(end64, 40);
  offset = at<uint64_t>(end64, 48);
}

ZipReader::ZipReader(std::shared_ptr<const ReadFile> file) : file_(std::move(file)) {
  uint64_t offset = 0, count = 0, bytes = 0;
  find_directory(offset, count, bytes);
  const auto directory = bytes_at(offset, bytes);
  constexpr size_t kEntryBytes = 46;
  if (count > kMostMembers || count > bytes / kEntryBytes)
    fail("is a broken .npz archive: more members than its directory has room for");
  size_t position = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (directory.size() - position < kEntryBytes || at<uint32_t>(directory, position) != 0x02014B50)
      fail("is a broken .npz archive: bad directory entry");
    ZipMember member;
    if (at<uint16_t>(directory, position + 8) & 1) fail("is encrypted");
    member.method = at<uint16_t>(directory, position + 10);
    member.crc = at<uint32_t>(directory, position + 16);
    member.packed_bytes = at<uint32_t>(directory, position + 20);
    member.bytes = at<uint32_t>(directory, position + 24);
    const size_t name = at<uint16_t>(directory, position + 28), extra = at<uint16_t>(directory, position + 30);
    const size_t comment = at<uint16_t>(directory, position + 32);
    member.header_offset = at<uint32_t>(directory, position + 42);
    position += kEntryBytes;
    if (directory.size() - position < name + extra + comment) fail("is a broken .npz archive: bad directory entry");
    member.name.assign(reinterpret_cast<const char*>(directory.data() + position), name);
    apply_zip64(directory, position + name, position + name + extra, member);
    position += name + extra + comment;
    members_.push_back(std::move(member));
  }
}

std::vector<std::byte> ZipReader::read(const ZipMember& member) const {
  constexpr size_t kLocalBytes = 30;
  const auto local = bytes_at(member.header_offset, kLocalBytes);
  if (at<uint32_t>(local, 0) != 0x04034B50) fail("is a broken .npz archive: no member where its directory says");
  const uint64_t begin = member.header_offset + kLocalBytes + at<uint16_t>(local, 26) + at<uint16_t>(local, 28);
  std::vector<std::byte> bytes = bytes_at(begin, member.packed_bytes);
  if (member.method == 8) {
    if (member.bytes / kDeflateRatio > member.packed_bytes)
      fail("is a broken .npz archive: a member says it is larger than it can be");
    bytes = inflated(bytes, member.bytes);
  } else if (member.method != 0) {
    fail("is packed by a method that is not read; write it by numpy.savez or savez_compressed");
  }
  if (bytes.size() != member.bytes ||
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != member.crc) {
    fail("is a damaged .npz archive: the check sum of a member does not match");
  }
  return bytes;
}

}  // namespace vetquant
