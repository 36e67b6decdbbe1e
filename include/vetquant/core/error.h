// The one exception type of vetquant. It is caught in main alone and becomes one line on stderr and an exit code.
//
//   where: what  ->  "policy.yaml:12:9: block 48 does not divide K=4096 of /decoder/fc1; use 16, 32, 64 or 128"
//
// `where` is a file:line:column, a file and byte offset, a node address or a tensor address; it may be empty.
// `what` says what is wrong and what to do next, in one line.
#pragma once

#include <stdexcept>
#include <string>

namespace vetquant {

// The numbers are the exit codes of the command line (docs/exit-codes.md).
enum class ErrorCode {
  kInternal = 1,       // a bug of ours
  kUsage = 2,          // command line, policy, test-set, system or lock file; a plan that changes nothing
  kUnsupported = 3,    // the target, a quantizer or a plug-in cannot do what was asked
  kBadModel = 4,       // the model is corrupt or unsafe
  kIo = 5,             // output exists, lost race, disk full, file changed while read
  kGate = 6,           // a gate failed, or a judged model crashed
  kBudget = 7,         // the result is over its budget
  kInterrupted = 130,  // ^C
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what, const std::string& where = {});

  ErrorCode code() const { return code_; }
  const std::string& where() const { return where_; }
  const std::string& message() const { return message_; }  // what, without where

 private:
  ErrorCode code_;
  std::string where_;
  std::string message_;
};

}  // namespace vetquant
