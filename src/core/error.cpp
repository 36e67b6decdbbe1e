#include "vetquant/core/error.h"

namespace vetquant {

Error::Error(ErrorCode code, const std::string& what, const std::string& where)
    : std::runtime_error(where.empty() ? what : where + ": " + what), code_(code), where_(where), message_(what) {}

}  // namespace vetquant
