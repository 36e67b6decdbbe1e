#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <new>
#include <utility>

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
      case MessageKind::kRunHeld:
        return run_held(request);
      case MessageKind::kTimeAgain:
        return time_again();
      case MessageKind::kMemory:
        return memory();
      case MessageKind::kSampleEnds:
        return end_sample();
      case MessageKind::kObserved:
        return observed();
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
    sessions_.push_back(std::make_unique<Session>(loaded, model, options));
    if (options.observers > 0) observed_.push_back(sessions_.back().get());
    const Session& opened = *sessions_.back();
    MessageWriter answer(MessageKind::kAnswer);
    answer.text(loaded->version());
    answer.real(opened.load_ms());
    answer.infos(opened.inputs());
    answer.infos(opened.outputs());
    answer.memory(before);
    answer.memory(memory_use());
    return answer;
  }

  MessageWriter run(MessageReader& request) {
    inputs_ = request.tensors();
    wanted_ = request.names();
    MessageWriter answer(MessageKind::kAnswer);
    answer.tensors(session(0).run(inputs_, wanted_));
    return answer;
  }

  MessageWriter run_held(MessageReader& request) {
    Session& model = session(request.number());
    std::vector<NamedTensor> inputs = request.tensors();
    const auto held_inputs = request.links();
    std::vector<std::string> wanted = request.names();
    const auto kept_outputs = request.links();
    const size_t sent = inputs.size(), asked = wanted.size();
    for (const HeldRun::Link& link : held_inputs) inputs.push_back({link.own, std::move(held(link.held))});
    for (const HeldRun::Link& link : kept_outputs) wanted.push_back(link.own);
    std::vector<NamedTensor> outputs = model.run(inputs, wanted);
    for (size_t i = 0; i < held_inputs.size(); ++i) held_[held_inputs[i].held] = std::move(inputs[sent + i].tensor);
    for (const HeldRun::Link& link : kept_outputs) {
      for (NamedTensor& output : outputs) {
        if (output.name == link.own) held_[link.held] = std::move(output.tensor);
      }
    }
    wanted.resize(asked);
    std::erase_if(outputs, [&](const NamedTensor& output) {
      return std::find(wanted.begin(), wanted.end(), output.name) == wanted.end();
    });
    MessageWriter answer(MessageKind::kAnswer);
    answer.real(model.last_run_ms());
    answer.tensors(outputs);
    return answer;
  }

  MessageWriter time_again() {
    session(0).run(inputs_, wanted_);
    MessageWriter answer(MessageKind::kAnswer);
    answer.real(session(0).last_run_ms());
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

  MessageWriter end_sample() {
    for (Session* session : observed_) {
      for (quant::ActivationObserver& observer : session->observers()) observer.end_sample();
    }
    return MessageWriter(MessageKind::kAnswer);
  }

  // Of the parts of one model at most one has nodes that observe; what the others saw is nothing.
  MessageWriter observed() {
    std::vector<quant::ActivationObserver> seen;
    for (Session* session : observed_) {
      auto& own = session->observers();
      if (seen.size() < own.size()) seen.resize(own.size());
      for (size_t i = 0; i < own.size(); ++i) seen[i].merge(std::exchange(own[i], {}));
    }
    MessageWriter answer(MessageKind::kAnswer);
    answer.number(seen.size());
    for (const quant::ActivationObserver& observer : seen) observer.write(answer);
    return answer;
  }

  Session& session(size_t number) {
    if (number >= sessions_.size())
      throw Error(ErrorCode::kInternal, "a judged process was asked to run before it had a model");
    return *sessions_[number];
  }

  HostTensor& held(const std::string& name) {
    const auto found = held_.find(name);
    if (found == held_.end())
      throw Error(ErrorCode::kInternal, "a judged process was asked for '" + name + "', which it does not keep");
    return found->second;
  }

  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<Session*> observed_;  // those with observers
  std::map<std::string, HostTensor> held_;
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
