#include "vetquant/core/environment.h"

#include <cstdlib>

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {

std::string with_variables(const std::string& text) {
  std::string made;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find("${", at);
    made += text.substr(at, begin - at);
    if (begin == std::string::npos) break;
    const size_t end = text.find('}', begin);
    if (end == std::string::npos) throw Error(ErrorCode::kUsage, "'" + printable(text) + "' has a '${' without a '}'");
    const std::string name = text.substr(begin + 2, end - begin - 2);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0')
      throw Error(ErrorCode::kUsage, "the environment variable " + printable(name, 60) + " is not set, which '" +
                                         printable(text) + "' needs");
    made += value;
    at = end + 1;
  }
  return made;
}

}  // namespace vetquant
