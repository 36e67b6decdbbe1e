// Self-check finds the nodes that break a small network, whose one channel is a thousand times as large as the others, and no
// others; ONNX Runtime says what the written models come to.
#include "vetquant/pipeline/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/support.h"
#include "small_model.h"
#include "support/error_of.h"
#include "vetquant/eval/test_set.h"
#include "vetquant/pipeline/calibration.h"
#include "vetquant/pipeline/lock.h"
#include "vetquant/runtime/session.h"

namespace vetquant::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Four times Conv + Relu, and Conv. `loud`: what channel 0 behind the second one is multiplied with; the third reads the others.
TestModel network(float loud) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 8, 12, 12}).output("y", kFloat, {1, 8, 12, 12});
  std::string value = "x";
  for (int layer = 1; layer <= 5; ++layer) {
    const std::string number = std::to_string(layer);
    std::vector<float> weights = random_floats(8 * 8 * 3 * 3, static_cast<uint64_t>(layer));
    for (size_t i = 0; i < weights.size(); ++i) {
      weights[i] *= 0.3F;
      if (layer == 2 && i / 72 == 0) weights[i] *= loud;
      if (layer == 3 && i / 9 % 8 == 0) weights[i] = 0;
    }
    graph.floats("w" + number, {8, 8, 3, 3}, weights);
    const std::string made = layer == 5 ? "y" : "c" + number;
    set_ints(graph.node("Conv", {value, "w" + number}, {made}, "conv" + number), "pads", {1, 1, 1, 1});
    if (layer == 5) break;
    value = "r" + number;
    graph.node("Relu", {made}, {value}, "relu" + number);
  }
  return model;
}

class SelfChecking : public testing::Test {
 protected:
  std::filesystem::path samples() const {
    return work_.write("samples.yaml", "version: 1\ntask: tensors\nrandom: {seed: 3, samples: 6}\n");
  }
  std::filesystem::path policy(const std::string& check) const {
    return work_.write("policy.yaml", "version: 1\nextends: int8-static\nself_check: " + check + "\n");
  }

  Request request(const std::string& check, int threads = 1) const {
    Request request = work_.request(policy(check).string());
    request.calibration = samples();
    request.calibrate = [=, samples = samples()](const Source& source, const Policy&) {
      CalibrationOptions options;
      options.runtime_library = find_runtime_library();
      options.worker = worker_program();
      return obtain_statistics(source, samples, options);
    };
    request.self_check = [=, samples = samples()](const SelfCheckSubject& subject) {
      SelfCheckOptions options;
      options.samples = samples;
      options.runtime_library = find_runtime_library();
      options.worker = worker_program();
      options.threads = threads;
      return find_nodes_to_put_back(subject, options);
    };
    return request;
  }

  // Of the written model's output against float, on the samples that self-check runs. As written: some processors' integer
  // kernels saturate.
  double sqnr_db(const Request& request, size_t count) const {
    const auto library = RuntimeLibrary::open(find_runtime_library());
    SessionOptions plain;
    plain.optimization = Optimization::kNone;
    Session before(library, request.model, plain), after(library, request.output, plain);
    const TestSet set = load_test_set(samples());
    double signal = 0, noise = 0;
    for (size_t i = 0; i < count; ++i) {
      const auto inputs = feed_of(set, i * set.samples / count, 0, before.inputs());
      const auto a = to_doubles(before.run(inputs).at(0).tensor), b = to_doubles(after.run(inputs).at(0).tensor);
      for (size_t j = 0; j < a.size(); ++j) {
        signal += a[j] * a[j];
        noise += (a[j] - b[j]) * (a[j] - b[j]);
      }
    }
    return 10 * std::log10(signal / noise);
  }

  static std::vector<std::string> put_back(const Prepared& p) {
    std::vector<std::string> nodes;
    for (const auto& [node, unused] : p.plan.put_back) nodes.push_back(node);
    return nodes;
  }

  void take(float loud) { work_.write("model.onnx", network(loud)); }

  Work work_;
};

TEST_F(SelfChecking, PutsBackTheNodesAroundALoudChannelAndNoOthers) {
  take(1000);
  const Request plain = request("false");
  work_.written(prepare(plain));
  EXPECT_LT(sqnr_db(plain, 4), 12);
  const Request wish = request("{most_nodes: 0.5}");
  const Prepared p = prepare(wish);
  work_.written(p);
  EXPECT_GT(sqnr_db(wish, 4), 20);
  EXPECT_LT(sqnr_db(wish, 4), 60) << "too good: nothing is rounded";
  EXPECT_THAT(put_back(p), ElementsAre("/conv2", "/conv3", "/relu2"));
  for (const auto& [node, back] : p.plan.put_back)
    EXPECT_THAT(back.reason, HasSubstr("put back by self_check: rounding 'r2' alone gives")) << node;
  EXPECT_EQ(p.plan.float_nodes.size(), 4u) << "Relu behind the third follows";
  EXPECT_THAT(p.plan.steps.at(0), HasSubstr("with 4 of 9 nodes back in float"));
}

// What self-check says of the model is what the runtime's own integer kernels come to.
TEST_F(SelfChecking, SimulatesTheWrittenModel) {
  take(30);
  const Request wish = request("{target_db: 100, most_nodes: 0, samples: 3}");
  const Prepared p = prepare(wish);
  work_.written(p);
  const std::string& step = p.self_checked.steps.at(0);
  EXPECT_NEAR(std::stod(step.substr(step.find(':') + 1)), sqnr_db(wish, 3), 0.6) << step;
  EXPECT_THAT(step, HasSubstr("the target of 100.0 dB is not reached within most_nodes: 0.0 % of the nodes"));
  EXPECT_THAT(p.plan.put_back, IsEmpty());
}

TEST_F(SelfChecking, IsTheSameForAnyNumberOfThreads) {
  take(300);
  const SelfChecked one = prepare(request("{target_db: 35, most_nodes: 0.6}", 1)).self_checked;
  const SelfChecked four = prepare(request("{target_db: 35, most_nodes: 0.6}", 4)).self_checked;
  EXPECT_EQ(one.steps, four.steps);
  ASSERT_EQ(one.put_back.size(), four.put_back.size());
  EXPECT_FALSE(one.put_back.empty());
  EXPECT_TRUE(std::equal(one.put_back.begin(), one.put_back.end(), four.put_back.begin(),
                         [](const auto& a, const auto& b) { return a.first == b.first; }));
}

TEST_F(SelfChecking, LeavesAModelAloneThatIsGoodEnough) {
  take(1);
  const Prepared p = prepare(request("true"));
  EXPECT_THAT(p.plan.put_back, IsEmpty());
  EXPECT_THAT(p.plan.steps.at(0), HasSubstr("at the worst output on 4 samples: nothing to put back"));
}

TEST_F(SelfChecking, SixteenBitsInsteadOfFloat) {
  take(1000);
  const Request wish = request("{most_nodes: 0.5, to: uint16}");
  const Prepared p = prepare(wish);
  work_.written(p);
  EXPECT_GT(sqnr_db(wish, 4), 20);
  EXPECT_THAT(put_back(p), ElementsAre("/conv2", "/conv3", "/relu2"));
  EXPECT_THAT(p.plan.float_nodes, IsEmpty());
  for (const PlannedNode& node : p.plan.nodes) {
    const bool back = p.plan.put_back.contains(p.index->node(node.node).address);
    EXPECT_EQ(node.activation_type, back ? DType::kUint16 : DType::kUint8) << p.index->node(node.node).address;
  }
}

TEST_F(SelfChecking, ALockNeedsNoSamples) {
  take(1000);
  const Prepared p = prepare(request("{most_nodes: 0.5}"));
  const std::string written = work_.written(p);
  const auto lock = work_.write("plan.lock", make_lock(p));
  const Prepared again = prepare_locked(work_.request(), lock);
  EXPECT_EQ(again.plan.put_back.size(), 3u);
  EXPECT_EQ(again.plan.steps, p.plan.steps);
  EXPECT_EQ(work_.written(again), written);
}

TEST_F(SelfChecking, StatisticsAloneAreNotEnough) {
  take(1000);
  Request wish = request("true");
  wish.self_check = nullptr;
  EXPECT_THAT(prepare(wish).plan.steps.at(0),
              HasSubstr("self_check: not done: it wants samples as --calibration, not their statistics"));
}

TEST_F(SelfChecking, SamplesOfSeveralStepsAreRefused) {
  take(1000);
  const Request wish = request("true");
  work_.write("samples.yaml", "version: 1\ntask: tensors\nrandom: {seed: 3, samples: 2}\nstate: {y: x}\n");
  const Error error = error_of([&] { prepare(wish); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.message(),
              HasSubstr("self_check runs single steps: samples of task tensors with states are not for "
                        "it; give a .npz of inputs as --calibration, or say `self_check: false`"));
}

}  // namespace
}  // namespace vetquant::test
