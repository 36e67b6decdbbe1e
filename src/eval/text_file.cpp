#include "text_file.h"

#include "vetquant/core/error.h"
#include "vetquant/core/file.h"
#include "vetquant/core/text.h"

namespace vetquant {

std::string read_text_file(const std::filesystem::path& path, uint64_t most_bytes) {
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  if (file->size_bytes() > most_bytes)
    throw Error(ErrorCode::kUsage, "is larger than " + human_bytes(most_bytes), path.string());
  std::string text(file->size_bytes(), '\0');
  file->read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace vetquant
