#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <new>

#include "channel.h"
#include "message.h"
#include "vetquant/core/error.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {
namespace {

class Server {
 public:
  MessageWriter answer(MessageReader& request) {
    switch (request.kind()) {
      case MessageKind::kOpen:
        return open(request);
      case MessageKind::kRun:
        return run(request);
      case MessageKind::kTimeAgain:
        return time_again();
      case MessageKind::kMemory:
        return memory();
      case MessageKind::kOperators:
        return operators(request);
      default:
        throw Error(ErrorCode::kInternal, "unknown request to a judged process");
    }
  }

 private:
  MessageWriter open(MessageReader& request) {
    if (const uint64_t limit = request.number(); limit > 0) {
      const rlimit bound{limit, limit};
      ::setrlimit(RLIMIT_AS, &bound);
    }
    const std::string library = request.text(), model = request.text();
    const SessionOptions options = request.options();
    const auto loaded = RuntimeLibrary::open(library);
    const MemoryUse before = memory_use();
    session_ = std::make_unique<Session>(loaded, model, options);
    MessageWriter answer(MessageKind::kAnswer);
    answer.text(loaded->version());
    answer.real(session_->load_ms());
    answer.infos(session_->inputs());
    answer.infos(session_->outputs());
    answer.memory(before);
    answer.memory(memory_use());
    return answer;
  }

  MessageWriter run(MessageReader& request) {
    inputs_ = request.tensors();
    wanted_ = request.names();
    MessageWriter answer(MessageKind::kAnswer);
    answer.tensors(session().run(inputs_, wanted_));
    return answer;
  }

  MessageWriter time_again() {
    session().run(inputs_, wanted_);
    MessageWriter answer(MessageKind::kAnswer);
    answer.real(session().last_run_ms());
    return answer;
  }

  MessageWriter memory() {
    MessageWriter answer(MessageKind::kAnswer);
    answer.memory(memory_use());
    return answer;
  }

  MessageWriter operators(MessageReader& request) {
    const std::string library = request.text(), model = request.text();
    const SessionOptions options = request.options();
    MessageWriter answer(MessageKind::kAnswer);
    answer.counts(optimized_operators(RuntimeLibrary::open(library), model, options, request.text()));
    return answer;
  }

  Session& session() {
    if (!session_) throw Error(ErrorCode::kInternal, "a judged process was asked to run before it had a model");
    return *session_;
  }

  std::unique_ptr<Session> session_;
  std::vector<NamedTensor> inputs_;
  std::vector<std::string> wanted_;
};

MessageWriter error_message(ErrorCode code, const std::string& where, const std::string& what) {
  MessageWriter message(MessageKind::kError);
  message.number(static_cast<uint64_t>(code));
  message.text(where);
  message.text(what);
  return message;
}

MessageWriter answered(Server& server, std::vector<std::byte> body) {
  try {
    MessageReader request(std::move(body));
    return server.answer(request);
  } catch (const Error& error) {
    return error_message(error.code(), error.where(), error.message());
  } catch (const std::bad_alloc&) {
    return error_message(ErrorCode::kGate, "", "the judged process is out of memory");
  } catch (const std::exception& error) {
    return error_message(ErrorCode::kGate, "", error.what());
  }
}

}  // namespace

int run_worker(int descriptor) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a judge that is killed leaves no orphans
  Channel channel(descriptor);
  Server server;
  std::vector<std::byte> body;
  constexpr std::chrono::milliseconds kForEver{0};
  while (channel.receive(body, kForEver) == Channel::Outcome::kDone) {
    const MessageWriter answer = answered(server, std::move(body));
    if (channel.send(answer.body(), kForEver) != Channel::Outcome::kDone) break;
    body = {};
  }
  return 0;
}

std::optional<int> run_as_worker(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != kWorkerCommand) return std::nullopt;
  char* end = nullptr;
  const long descriptor = std::strtol(argv[2], &end, 10);
  if (end == argv[2] || *end != '\0' || descriptor < 3) return std::nullopt;
  return run_worker(static_cast<int>(descriptor));
}

}  // namespace vetquant
