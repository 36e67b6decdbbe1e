#include "worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

constexpr int kChildSocket = 3;

Error system_error(const std::string& what) {
  return Error(ErrorCode::kInternal, what + ": " + std::strerror(errno), "judged process");
}

struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  posix_spawn_file_actions_t actions;
};

// ^C in the terminal reaches the judge, which ends its children itself: in a group of their own they are not hit at once.
struct Attributes {
  Attributes() {
    posix_spawnattr_init(&attributes);
    sigset_t none, ordinary;
    sigemptyset(&none);
    sigemptyset(&ordinary);
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&ordinary, signal);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &ordinary);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes); }
  posix_spawnattr_t attributes;
};

}  // namespace

WorkerProcess::WorkerProcess(const WorkerProgram& program) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw system_error("no socket pair");
  socket_ = ends[0];
  stderr_ = ::memfd_create("vetquant-judged-stderr", MFD_CLOEXEC);
  FileActions files;
  posix_spawn_file_actions_addopen(&files.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  // Both go to the same place: some libraries print their last words on stdout.
  posix_spawn_file_actions_adddup2(&files.actions, stderr_, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files.actions, stderr_, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&files.actions, ends[1], kChildSocket);
  const Attributes attributes;
  std::vector<std::string> words = {program.path.string()};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  words.push_back(std::to_string(kChildSocket));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int failure =
      ::posix_spawn(&id_, program.path.c_str(), &files.actions, &attributes.attributes, arguments.data(), environ);
  ::close(ends[1]);
  if (failure != 0) {
    if (socket_ >= 0) ::close(socket_);
    if (stderr_ >= 0) ::close(stderr_);
    errno = failure;
    throw system_error(program.path.string() + " cannot be started");
  }
}

WorkerProcess::~WorkerProcess() {
  kill();
  if (socket_ >= 0) ::close(socket_);
  if (stderr_ >= 0) ::close(stderr_);
}

int WorkerProcess::take_socket() { return std::exchange(socket_, -1); }

void WorkerProcess::begin_kill() {
  if (!reaped_ && id_ >= 0) ::kill(id_, SIGKILL);
}

void WorkerProcess::kill() {
  if (reaped_ || id_ < 0) return;
  begin_kill();
  while (::waitpid(id_, &status_, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
}

std::string WorkerProcess::last_words() const {
  constexpr off_t kTail = 2000;
  struct stat info = {};
  if (::fstat(stderr_, &info) != 0 || info.st_size == 0) return {};
  const off_t begin = info.st_size > kTail ? info.st_size - kTail : 0;
  std::string text(static_cast<size_t>(info.st_size - begin), '\0');
  const ssize_t got = ::pread(stderr_, text.data(), text.size(), begin);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const size_t line = text.rfind('\n');
  return printable(line == std::string::npos ? text : text.substr(line + 1));
}

std::string WorkerProcess::wait_and_describe() {
  // Its socket is closed, so it is ending or gone; should it hang on the way out, it is helped.
  for (int tries = 0; !reaped_ && tries < 200; ++tries) {
    const pid_t ended = ::waitpid(id_, &status_, WNOHANG);
    if (ended == id_ || (ended < 0 && errno != EINTR)) reaped_ = true;
    if (!reaped_) ::usleep(10'000);
  }
  if (!reaped_) kill();
  std::string text;
  if (WIFSIGNALED(status_)) {
    const int signal = WTERMSIG(status_);
    text = "ended by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
    if (signal == SIGKILL) text += ", perhaps for lack of memory";
  } else {
    text = "ended with exit status " + std::to_string(WEXITSTATUS(status_));
  }
  const std::string words = last_words();
  return words.empty() ? text : text + ": " + words;
}

}  // namespace vetquant
