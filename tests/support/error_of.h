// The Error that a call throws, to look at its code, place and message.
#pragma once

#include <gtest/gtest.h>

#include "vetquant/core/error.h"

namespace vetquant::test {

template <class Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::kInternal, "no error was thrown");
}

}  // namespace vetquant::test
