#include "vetquant/core/temporary_folder.h"

#include <stdlib.h>

#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const std::string& purpose) {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error)
    throw Error(ErrorCode::kIo, "is no folder; name one by $TMPDIR", parent.empty() ? "$TMPDIR" : parent.string());
  path_ = (parent / ("vetquant-" + purpose + "-XXXXXX")).string();
  interrupt::hold();
  if (::mkdtemp(path_.data()) == nullptr)
    throw Error(ErrorCode::kIo, "no temporary folder can be made; $TMPDIR names another place", parent.string());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace vetquant
