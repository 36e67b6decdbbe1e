#include "vetquant/core/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "vetquant/core/error.h"

namespace vetquant::interrupt {
namespace {

// Globals, since a signal handler can reach nothing else.
volatile std::sig_atomic_t g_requested = 0;
std::atomic<bool> g_held{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void handle(int) {
  g_requested = 1;
  if (g_held) return;
  constexpr char kSaid[] = "vetquant: interrupted; nothing was written\n";
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, kSaid, sizeof kSaid - 1);
  ::_exit(static_cast<int>(ErrorCode::kInterrupted));
}

}  // namespace

void install_handlers() {
  struct sigaction action = {};
  action.sa_handler = handle;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void hold() { g_held = true; }
bool requested() { return g_requested != 0; }
void request() { g_requested = 1; }
void clear() { g_requested = 0; }

void check() {
  if (requested()) throw Error(ErrorCode::kInterrupted, "interrupted; nothing was written");
}

}  // namespace vetquant::interrupt
