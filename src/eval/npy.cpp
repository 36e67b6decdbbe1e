// The header of .npy is the text of a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/eval/array_file.h"

namespace vetquant {
namespace {

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Header parse() {
    Header header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        header.descr = quoted();
        descr = true;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        order = true;
      } else if (key == "shape") {
        header.shape = tuple();
        shape = true;
      } else {
        fail("has the unknown key '" + printable(key) + "' in its header");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!descr || !order || !shape) fail("lacks descr, fortran_order or shape in its header");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kUsage, what + "; is it an array written by NumPy?", where_);
  }

  void skip() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_]))) ++position_;
  }
  bool accept(char c) {
    skip();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("has a broken header: '") + c + "' is missing");
  }
  std::string quoted() {
    skip();
    if (position_ < text_.size() && text_[position_] == '[')
      fail("holds records; only plain arrays of numbers are read");
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    if (quote != '\'' && quote != '"') fail("has a broken header: a quoted word is missing");
    const size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) fail("has a broken header: a quote is not closed");
    const std::string word(text_.substr(position_ + 1, end - position_ - 1));
    position_ = end + 1;
    return word;
  }
  bool boolean() {
    skip();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (text_.substr(position_).starts_with(word)) {
        position_ += word.size();
        return value;
      }
    }
    fail("has a broken header: True or False is missing");
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> values;
    expect('(');
    while (!accept(')')) {
      skip();
      int64_t value = 0;
      const auto [end, problem] = std::from_chars(text_.data() + position_, text_.data() + text_.size(), value);
      if (problem != std::errc() || value < 0) fail("has a broken shape in its header");
      position_ = static_cast<size_t>(end - text_.data());
      values.push_back(value);
      if (values.size() > 32) fail("has more than 32 dimensions");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::string_view text_;
  const std::string& where_;
  size_t position_ = 0;
};

std::optional<DType> dtype_of_descr(const std::string& descr) {
  constexpr std::pair<std::string_view, DType> kTypes[] = {
      {"<f4", DType::kFloat32}, {"<f2", DType::kFloat16}, {"<f8", DType::kFloat64}, {"|b1", DType::kBool},
      {"|i1", DType::kInt8},    {"|u1", DType::kUint8},   {"<i2", DType::kInt16},   {"<u2", DType::kUint16},
      {"<i4", DType::kInt32},   {"<u4", DType::kUint32},  {"<i8", DType::kInt64},   {"<u8", DType::kUint64}};
  for (const auto& [name, dtype] : kTypes) {
    if (name == descr) return dtype;
  }
  return std::nullopt;
}

std::vector<std::byte> row_major(const std::vector<std::byte>& source, const std::vector<int64_t>& shape,
                                 size_t width) {
  std::vector<std::byte> out(source.size());
  std::vector<int64_t> index(shape.size(), 0);
  std::vector<size_t> stride(shape.size(), 1);
  for (size_t d = 1; d < shape.size(); ++d) stride[d] = stride[d - 1] * static_cast<size_t>(shape[d - 1]);
  for (size_t at = 0; at < out.size(); at += width) {
    size_t from = 0;
    for (size_t d = 0; d < shape.size(); ++d) from += static_cast<size_t>(index[d]) * stride[d];
    std::memcpy(out.data() + at, source.data() + from * width, width);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
  return out;
}

}  // namespace

HostTensor parse_npy(std::vector<std::byte> bytes, const std::string& where) {
  const auto fail = [&](const std::string& what) { throw Error(ErrorCode::kUsage, what, where); };
  constexpr std::string_view kMagic = "\x93NUMPY";
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic) || bytes.size() < 10) fail("is not a .npy array");
  const auto byte = [&](size_t at) { return static_cast<size_t>(static_cast<unsigned char>(text[at])); };
  const size_t version = byte(6);
  if (version < 1 || version > 3) fail("is a .npy array of unknown version " + std::to_string(version));
  const size_t head = version == 1 ? 10 : 12;
  if (bytes.size() < head) fail("ends within its header");
  const size_t length = byte(8) + (byte(9) << 8) + (version == 1 ? 0 : (byte(10) << 16) + (byte(11) << 24));
  if (length > bytes.size() - head) fail("ends within its header");
  const Header header = HeaderParser(text.substr(head, length), where).parse();
  const auto dtype = dtype_of_descr(header.descr);
  if (!dtype) fail("holds elements of type '" + printable(header.descr) + "'; little-endian numbers and bool are read");
  const auto elements = checked_elements(header.shape);
  const size_t payload = bytes.size() - head - length, width = bytes_of(*dtype, 1);
  if (!elements || !checked_mul(*elements, width) || *elements * width != payload) {
    fail("holds " + std::to_string(payload) + " bytes where its header says " +
         describe(HostTensor{*dtype, header.shape, {}}));
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(head + length));
  if (header.fortran_order && header.shape.size() > 1) bytes = row_major(bytes, header.shape, width);
  return {*dtype, header.shape, std::move(bytes)};
}

}  // namespace vetquant
