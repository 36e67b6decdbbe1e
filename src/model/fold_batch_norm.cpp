#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "payload.h"
#include "vetquant/model/rewrites.h"

namespace vetquant {
namespace {

struct Vectors {
  std::vector<float> scale, shift, mean, variance;  // [channels]
  double epsilon = 1e-5;
};

// Where the output channels of a product's weight lie.
struct Channels {
  int64_t count = 0;
  uint64_t run = 1;  // consecutive elements of one channel
};

class Folder {
 public:
  Folder(const Model& model, OverridableValues overridable)
      : model_(model),
        index_(model.skeleton()),
        constants_(model, index_, overridable),
        copy_(model.skeleton()),
        graph_(*copy_.mutable_graph()) {}

  Rewritten run(std::shared_ptr<const Model> unchanged) {
    const ScopeInfo& main = index_.scope(ScopeId{0});
    for (size_t i = 0; i < main.nodes.size(); ++i) {
      if (index_.node(main.nodes[i]).proto->op_type() == "BatchNormalization") fold(static_cast<int>(i));
    }
    if (steps_.empty()) return {std::move(unchanged), {}};
    remove_what_died();
    return {Model::derived(model_, std::move(copy_), payloads_), std::move(steps_)};
  }

 private:
  const NodeInfo& info(int position) const {
    return index_.node(index_.scope(ScopeId{0}).nodes[static_cast<size_t>(position)]);
  }

  void fold(int position) {
    const NodeInfo& norm = info(position);
    const std::optional<int> product = folding_product(norm);
    if (!product) return;
    const NodeInfo& target = info(*product);
    const std::optional<TensorView> weight = constants_.find(target.inputs[1]);
    if (!weight || !weight->is_whole_tensor() || weight->dtype() != DType::kFloat32) return;
    const std::optional<Channels> channels = channels_of(*target.proto, weight->shape());
    if (!channels) return;
    const std::optional<Vectors> vectors = vectors_of(norm, channels->count);
    std::vector<float> bias(static_cast<size_t>(channels->count));
    if (!vectors || !read_bias(target, bias)) return;

    ChannelScaling scaling{.by = {}, .run = channels->run};
    for (size_t c = 0; c < bias.size(); ++c) {
      const double by = vectors->scale[c] / std::sqrt(double{vectors->variance[c]} + vectors->epsilon);
      if (!std::isfinite(by)) return;
      bias[c] = static_cast<float>((double{bias[c]} - vectors->mean[c]) * by + vectors->shift[c]);
      scaling.by.push_back(by);
    }
    onnx::NodeProto& node = *graph_.mutable_node(*product);
    replace(node, 1, weight->shape(),
            std::make_shared<PayloadSource>(weight->pieces()[0].stored->source, std::move(scaling)));
    std::string bytes(reinterpret_cast<const char*>(bias.data()), bias.size() * sizeof(float));
    replace(node, 2, {channels->count}, std::make_shared<PayloadSource>(std::move(bytes)));
    gone_values_.insert(node.output(0));
    node.set_output(0, norm.proto->output(0));
    gone_nodes_.insert(position);
    steps_.push_back(norm.address + " (BatchNormalization) folded into " + target.address);
  }

  // The position of the node whose only reader is this normalisation.
  std::optional<int> folding_product(const NodeInfo& norm) const {
    const onnx::NodeProto& proto = *norm.proto;
    const bool plain = proto.domain().empty() && int_attribute(proto, "training_mode", 0) == 0 &&
                       int_attribute(proto, "spatial", 1) == 1 && norm.inputs.size() == 5;
    if (!plain) return std::nullopt;
    for (size_t i = 1; i < norm.outputs.size(); ++i) {
      if (norm.outputs[i].valid()) return std::nullopt;
    }
    const ValueInfo& x = index_.value(norm.inputs[0]);
    if (x.kind != ValueKind::kNodeOutput || x.uses.size() != 1 || x.is_scope_output) return std::nullopt;
    const std::vector<NodeId>& nodes = index_.scope(ScopeId{0}).nodes;
    const auto found = std::find(nodes.begin(), nodes.end(), x.producer);
    if (found == nodes.end()) return std::nullopt;
    const int position = static_cast<int>(found - nodes.begin());
    return info(position).inputs.size() < 2 || gone_nodes_.contains(position) ? std::nullopt : std::optional(position);
  }

  static std::optional<Channels> channels_of(const onnx::NodeProto& node, const Shape& shape) {
    const auto run = [&](size_t axis) {
      uint64_t elements = 1;
      for (size_t d = axis + 1; d < shape.size(); ++d) elements *= static_cast<uint64_t>(shape[d]);
      return std::optional(Channels{shape[axis], elements});
    };
    if (!node.domain().empty() || shape.size() < 2) return std::nullopt;
    if (node.op_type() == "Conv") return run(0);
    if (node.op_type() == "ConvTranspose" && int_attribute(node, "group", 1) == 1) return run(1);
    if (node.op_type() == "Gemm" && float_attribute(node, "beta", 1) == 1 && float_attribute(node, "alpha", 1) == 1)
      return run(int_attribute(node, "transB", 0) != 0 ? 0 : 1);
    return std::nullopt;
  }

  bool read_vector(ValueId value, std::vector<float>& out) const {
    const std::optional<TensorView> view = constants_.find(value);
    if (!view || view->dtype() != DType::kFloat32 || view->elements() != out.size()) return false;
    read_floats(*view, Box::whole(*view), out);
    return true;
  }

  std::optional<Vectors> vectors_of(const NodeInfo& norm, int64_t channels) const {
    Vectors vectors;
    vectors.epsilon = float_attribute(*norm.proto, "epsilon", 1e-5F);
    std::vector<float>* const all[] = {&vectors.scale, &vectors.shift, &vectors.mean, &vectors.variance};
    for (size_t i = 0; i < 4; ++i) {
      all[i]->resize(static_cast<size_t>(channels));
      if (!norm.inputs[i + 1].valid() || !read_vector(norm.inputs[i + 1], *all[i])) return std::nullopt;
    }
    return vectors;
  }

  bool read_bias(const NodeInfo& product, std::vector<float>& bias) const {
    if (product.inputs.size() < 3 || !product.inputs[2].valid()) return true;  // zeros
    return read_vector(product.inputs[2], bias);
  }

  // A new constant under a name of its own: the old one may have other readers.
  void replace(onnx::NodeProto& node, int input, const Shape& shape, std::shared_ptr<const PayloadSource> payload) {
    const std::string old = input < node.input_size() ? node.input(input) : std::string();
    if (!old.empty()) lost_a_reader_.insert(old);
    std::string name = (old.empty() ? node.output(0) + "_bias" : old) + "_folded";
    while (index_.lookup(ScopeId{0}, name).valid() || made_.contains(name)) name += "_";
    made_.insert(name);
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const int64_t dim : shape) tensor.add_dims(dim);
    set_mark(tensor, kPayloadMark, static_cast<int64_t>(model_.payload_count() + payloads_.size()));
    payloads_.push_back(std::move(payload));
    if (copy_.ir_version() < 4) {
      onnx::ValueInfoProto& entry = *graph_.add_input();
      entry.set_name(name);
      auto& type = *entry.mutable_type()->mutable_tensor_type();
      type.set_elem_type(onnx::TensorProto::FLOAT);
      for (const int64_t dim : shape) type.mutable_shape()->add_dim()->set_dim_value(dim);
    }
    while (node.input_size() <= input) node.add_input();
    node.set_input(input, name);
  }

  // Constants that only folded nodes have read go with them.
  void remove_what_died() {
    for (const int position : gone_nodes_) {
      for (int i = 1; i < info(position).proto->input_size(); ++i)
        lost_a_reader_.insert(info(position).proto->input(i));
    }
    std::set<std::string> read;
    for (int i = 0; i < graph_.node_size(); ++i) {
      if (!gone_nodes_.contains(i)) read.insert(graph_.node(i).input().begin(), graph_.node(i).input().end());
    }
    const auto dead = [&](const std::string& name) {
      if (gone_values_.contains(name)) return true;
      if (!lost_a_reader_.contains(name) || read.contains(name)) return false;
      const ValueInfo& value = index_.value(index_.lookup(ScopeId{0}, name));
      if (value.is_scope_output) return false;
      return std::all_of(value.uses.begin(), value.uses.end(),
                         [&](const ValueUse& use) { return index_.node(use.node).scope == ScopeId{0}; });
    };
    onnx::GraphProto kept;
    for (int i = 0; i < graph_.node_size(); ++i) {
      onnx::NodeProto& node = *graph_.mutable_node(i);
      const bool constant = node.op_type() == "Constant" && node.output_size() == 1 && dead(node.output(0));
      if (!gone_nodes_.contains(i) && !constant) kept.add_node()->Swap(&node);
    }
    graph_.mutable_node()->Swap(kept.mutable_node());
    const auto erase = [&](auto& entries) {
      for (int i = entries.size(); i-- > 0;) {
        if (dead(entries.Get(i).name())) entries.DeleteSubrange(i, 1);
      }
    };
    erase(*graph_.mutable_initializer());
    erase(*graph_.mutable_input());
    erase(*graph_.mutable_value_info());
  }

  const Model& model_;
  GraphIndex index_;
  ConstantFinder constants_;
  onnx::ModelProto copy_;
  onnx::GraphProto& graph_;
  std::vector<std::shared_ptr<const PayloadSource>> payloads_;
  std::vector<std::string> steps_;
  std::set<int> gone_nodes_;  // positions in the main graph
  std::set<std::string> gone_values_, lost_a_reader_, made_;
};

}  // namespace

Rewritten fold_batch_normalizations(std::shared_ptr<const Model> model, OverridableValues overridable) {
  const Model& source = *model;
  return Folder(source, overridable).run(std::move(model));
}

}  // namespace vetquant
