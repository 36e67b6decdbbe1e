#include "channel.h"
#include "message.h"
#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"
#include "vetquant/runtime/worker.h"
#include "worker_process.h"

namespace vetquant {

struct Worker::State {
  State(const WorkerProgram& program, const WorkerLimits& wished)
      : limits(wished), process(program), channel(process.take_socket()) {}

  MessageReader ask(const MessageWriter& request, const std::string& doing) {
    if (!ended.empty()) throw Error(ErrorCode::kGate, ended, where);
    std::vector<std::byte> body;
    auto outcome = channel.send(request.body(), limits.timeout);
    if (outcome == Channel::Outcome::kDone) outcome = channel.receive(body, limits.timeout);
    if (outcome != Channel::Outcome::kDone) fail(outcome, doing);
    MessageReader answer(std::move(body));
    const MessageKind kind = answer.kind();
    if (kind == MessageKind::kAnswer) return answer;
    if (kind != MessageKind::kError) throw Error(ErrorCode::kGate, "the judged process sent an unknown message", where);
    const auto code = static_cast<ErrorCode>(static_cast<int>(answer.number()));
    const std::string place = answer.text();
    throw Error(code, answer.text(), place);
  }

  [[noreturn]] void fail(Channel::Outcome outcome, const std::string& doing) {
    interrupt::check();
    if (outcome == Channel::Outcome::kTimedOut) {
      process.kill();
      ended = "the judged process took more than " + std::to_string(limits.timeout.count()) + " ms while " + doing +
              " and was ended";
    } else {
      ended = "the judged process " + process.wait_and_describe() + ", while " + doing;
    }
    throw Error(ErrorCode::kGate, ended, where);
  }

  WorkerLimits limits;
  WorkerProcess process;
  Channel channel;
  std::string where = "judged process";
  std::string ended;  // how it ended, once it did
};

Worker::Worker(const WorkerProgram& program, const WorkerLimits& limits)
    : state_(std::make_unique<State>(program, limits)) {}
Worker::~Worker() = default;

void Worker::abandon() { state_->process.begin_kill(); }

int Worker::process_id() const { return state_->process.id(); }

OpenedModel Worker::open(const std::filesystem::path& library, const std::filesystem::path& model,
                         const SessionOptions& options) {
  state_->where = model.string();
  MessageWriter request(MessageKind::kOpen);
  request.number(state_->limits.memory_bytes);
  request.text(library.string());
  request.text(model.string());
  request.options(options);
  MessageReader answer = state_->ask(request, "loading the model");
  OpenedModel opened;
  opened.runtime_version = answer.text();
  opened.load_ms = answer.real();
  opened.inputs = answer.infos();
  opened.outputs = answer.infos();
  opened.before = answer.memory();
  opened.after = answer.memory();
  return opened;
}

std::vector<NamedTensor> Worker::run(std::span<const NamedTensor> inputs, const std::vector<std::string>& wanted) {
  MessageWriter request(MessageKind::kRun);
  request.tensors(inputs);
  request.names(wanted);
  return state_->ask(request, "running").tensors();
}

HeldAnswer Worker::run_held(const HeldRun& run) {
  MessageWriter request(MessageKind::kRunHeld);
  request.number(run.model);
  request.tensors(run.inputs);
  request.links(run.held_inputs);
  request.names(run.wanted);
  request.links(run.kept_outputs);
  MessageReader answer = state_->ask(request, "running");
  HeldAnswer result;
  result.run_ms = answer.real();
  result.outputs = answer.tensors();
  return result;
}

double Worker::time_again_ms() { return state_->ask(MessageWriter(MessageKind::kTimeAgain), "running").real(); }

MemoryUse Worker::memory() { return state_->ask(MessageWriter(MessageKind::kMemory), "telling its memory").memory(); }

void Worker::end_sample() { state_->ask(MessageWriter(MessageKind::kSampleEnds), "ending a sample"); }

std::vector<quant::ActivationObserver> Worker::take_observed() {
  MessageReader answer = state_->ask(MessageWriter(MessageKind::kObserved), "telling what was observed");
  std::vector<quant::ActivationObserver> observed(answer.count());
  for (auto& observer : observed) observer = quant::ActivationObserver::read(answer, ErrorCode::kGate);
  return observed;
}

std::map<std::string, uint64_t> Worker::optimized_operators(const std::filesystem::path& library,
                                                            const std::filesystem::path& model,
                                                            const SessionOptions& options,
                                                            const std::filesystem::path& folder) {
  state_->where = model.string();
  MessageWriter request(MessageKind::kOperators);
  request.text(library.string());
  request.text(model.string());
  request.options(options);
  request.text(folder.string());
  return state_->ask(request, "having the graph optimized").counts();
}

}  // namespace vetquant
