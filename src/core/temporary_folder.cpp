#include "vetquant/core/temporary_folder.h"

#include <stdlib.h>

#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const std::string& purpose)
    : path_((fs::temp_directory_path() / ("vetquant-" + purpose + "-XXXXXX")).string()) {
  interrupt::hold();
  if (::mkdtemp(path_.data()) == nullptr) throw Error(ErrorCode::kIo, "no temporary folder can be made", path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace vetquant
