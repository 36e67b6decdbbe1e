#include "vetquant/core/interrupt.h"

#include <csignal>

#include "vetquant/core/error.h"

namespace vetquant::interrupt {
namespace {

volatile std::sig_atomic_t g_requested = 0;  // the one global: a signal handler can reach nothing else

void handle(int) { g_requested = 1; }

}  // namespace

void install_handlers() {
  struct sigaction action = {};
  action.sa_handler = handle;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool requested() { return g_requested != 0; }
void request() { g_requested = 1; }
void clear() { g_requested = 0; }

void check() {
  if (requested()) throw Error(ErrorCode::kInterrupted, "interrupted; nothing was written");
}

}  // namespace vetquant::interrupt
