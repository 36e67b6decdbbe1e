// The judged process of the tests: an honest one with the program's own arguments, or one that fails on purpose.
//   judge_worker --judge-worker FD | abort FD | exit FD | hang FD | garbage FD | eat-memory FD
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "vetquant/runtime/worker.h"

namespace {

// Waits for the first byte of a request, so that the judge sees the end while it waits for an answer.
void wait_for_request(int descriptor) {
  char byte = 0;
  if (::read(descriptor, &byte, 1) < 0) std::_Exit(9);
}

void send(int descriptor, uint64_t length, const std::string& body) {
  if (::write(descriptor, &length, sizeof length) < 0) std::_Exit(9);
  if (::write(descriptor, body.data(), body.size()) < 0) std::_Exit(9);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto status = vetquant::run_as_worker(argc, argv)) return *status;
  if (argc != 3) return 64;
  const std::string mode = argv[1];
  const int descriptor = std::atoi(argv[2]);
  wait_for_request(descriptor);
  if (mode == "abort") {
    std::fputs("first line\nassertion failed: kernel_is_sane\n", stderr);
    std::abort();
  }
  if (mode == "exit") return 3;
  if (mode == "hang") ::pause();
  if (mode == "garbage") send(descriptor, 16, std::string("\x64\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f", 16));
  if (mode == "endless") send(descriptor, UINT64_MAX, "");
  ::pause();
  return 0;
}
