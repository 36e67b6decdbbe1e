// Which constants are weights, and which never: one site for each float constant that a node reads.
#include <onnx/onnx_pb.h>

#include <algorithm>

#include "survey.h"
#include "vetquant/core/checked.h"

namespace vetquant::plan {
namespace {

constexpr const char* kBuiltIn = "built in";
constexpr int64_t kLeastVocabulary = 256;  // a byte-level model's; shorter tables are of positions, kinds or classes

class Surveyor {
 public:
  Surveyor(const GraphIndex& index, const ConstantFinder& constants, Survey& survey)
      : index_(index),
        constants_(constants),
        survey_(survey),
        contents_(survey.contents),
        functions_(local_functions(index)) {}

  void run() {
    const auto& nodes = index_.nodes();
    survey_.sites_of_node.resize(nodes.size());
    for (size_t i = 0; i < nodes.size(); ++i) visit(NodeId{static_cast<int32_t>(i)}, nodes[i]);
    survey_.language_model = looks_tokens_up_ && !gets_features();
    mark_outputs();
    mark_kept_contents();
    note_specials();
  }

 private:
  void visit(NodeId id, const NodeInfo& node) {
    if (already_quantized(*node.proto)) ++quantized_nodes_;
    if (is_chain_operator(*node.proto) && !node.outputs.empty() && node.outputs[0].valid() &&
        constants_.find(node.outputs[0])) {
      return;  // what reads the result reads the constant
    }
    for (size_t input = 0; input < node.inputs.size(); ++input) {
      if (node.inputs[input].valid()) visit_input(id, node, static_cast<int>(input));
    }
  }

  void visit_input(NodeId id, const NodeInfo& node, int input) {
    const ValueId value = node.inputs[static_cast<size_t>(input)];
    const std::optional<TensorView> view = constants_.find(value);
    if (!view) return;
    if (!is_float(view->dtype()) || view->shape().empty()) return;
    const uint64_t elements = view->elements();
    if (elements == 0 || !large_enough(node, input, elements)) return;
    Site site;
    site.node = id;
    site.input = input;
    site.value = value;
    site.elements = elements;
    site.role = role_of(*node.proto, input, functions_);
    if (site.role == InputRole::kElementwise && is_vector(*view)) site.role = InputRole::kBias;
    site.kind = kind_of(*node.proto, input, *view);
    looks_tokens_up_ = looks_tokens_up_ || is_vocabulary(node, site.kind, *view);
    name_site(site, *view);
    const ContentTable::Place place = contents_.find_or_add(*view);
    site.view = *view;
    site.content = place.content;
    site.swapped = place.swapped;
    const int number = static_cast<int>(survey_.sites.size());
    survey_.contents[static_cast<size_t>(place.content)].sites.push_back(number);
    survey_.sites_of_node[static_cast<size_t>(id.value)].push_back(number);
    survey_.sites.push_back(std::move(site));
  }

  // LSTM's W and R go together: the small one comes along with the large one.
  bool large_enough(const NodeInfo& node, int input, uint64_t elements) const {
    if (elements >= static_cast<uint64_t>(survey_.min_elements)) return true;
    if (node.proto->op_type() != "LSTM" || (input != 1 && input != 2)) return false;
    const size_t other = input == 1 ? 2 : 1;
    if (other >= node.inputs.size() || !node.inputs[other].valid()) return false;
    const std::optional<TensorView> view = constants_.find(node.inputs[other]);
    return view && view->elements() >= static_cast<uint64_t>(survey_.min_elements);
  }

  bool is_vocabulary(const NodeInfo& node, SiteKind kind, const TensorView& view) const {
    return kind == SiteKind::kTable && view.shape()[0] >= kLeastVocabulary && node.inputs.size() > 1 &&
           node.inputs[1].valid() && !constants_.find(node.inputs[1]);
  }

  // Sound, images, or what an encoder made of them; caches have an axis for heads besides.
  bool gets_features() const {
    if (survey_.types.empty()) return false;  // nobody asked for forms
    const auto& inputs = index_.scope(ScopeId{0}).inputs;
    return std::any_of(inputs.begin(), inputs.end(), [&](ValueId id) {
      const ValueType& type = survey_.types[static_cast<size_t>(id.value)];
      return index_.value(id).kind == ValueKind::kInput && is_float(type.dtype) && type.has_shape &&
             type.shape.size() >= 2 && type.shape.size() <= 3;
    });
  }

  static bool is_vector(const TensorView& view) {
    int long_axes = 0;
    for (int64_t dim : view.shape()) long_axes += dim > 1 ? 1 : 0;
    return long_axes <= 1;
  }

  void name_site(Site& site, const TensorView& view) const {
    const std::string address = index_.address(site.value);
    const auto& pieces = view.pieces();
    const bool whole =
        pieces.size() == 1 && checked_elements(pieces[0].extent).value_or(0) == pieces[0].stored->elements;
    site.name = whole ? pieces[0].stored->address : address;
    if (address != site.name) site.aliases.push_back(address);
    for (size_t i = 0; i < pieces.size() && i < 8; ++i) {
      const std::string& stored = pieces[i].stored->address;
      if (stored != site.name && (site.aliases.empty() || site.aliases.back() != stored))
        site.aliases.push_back(stored);
    }
  }

  // A constant that leaves its scope is read by something that we do not rewrite.
  void mark_outputs() {
    for (const ScopeInfo& scope : index_.scopes()) {
      for (ValueId output : scope.outputs) {
        if (!output.valid()) continue;
        const std::optional<TensorView> view = constants_.find(output);
        if (!view || !is_float(view->dtype()) || view->shape().empty()) continue;
        if (view->elements() < static_cast<uint64_t>(survey_.min_elements)) continue;
        const std::string where = scope.kind == ScopeKind::kMain ? "the model" : "'" + scope.path + "'";
        const int content = contents_.find_or_add(*view).content;
        Content& found = survey_.contents[static_cast<size_t>(content)];
        found.stays_float = "it is an output of " + where;
        if (found.sites.empty()) {
          keep(index_.address(output), "", "", *view, "an output of " + where + ": callers get it as it is");
        }
      }
    }
  }

  void keep(const std::string& name, const std::string& node, const std::string& op, const TensorView& view,
            const std::string& text) {
    survey_.kept.push_back(KeptWeight{.name = name,
                                      .node = node,
                                      .op = op,
                                      .elements = view.elements(),
                                      .bytes = bytes_of(view.dtype(), view.elements()),
                                      .reason = Reason{.rule = kBuiltIn, .position = {}, .text = text}});
  }

  // Sites whose role forbids any change hold the float values in the file for everybody else.
  void mark_kept_contents() {
    for (const Site& site : survey_.sites) {
      const NodeInfo& node = index_.node(site.node);
      const std::string why = never_because(site.role, *node.proto);
      if (why.empty()) continue;
      Content& content = survey_.contents[static_cast<size_t>(site.content)];
      if (content.stays_float.empty()) content.stays_float = node.address + " needs it as it is";
    }
  }

  void note_specials() {
    size_t overridable = 0;
    for (size_t i = 0; i < index_.values().size(); ++i) {
      const ValueInfo& value = index_.values()[i];
      const ValueId id{static_cast<int32_t>(i)};
      if (value.kind == ValueKind::kSparseInitializer) {
        survey_.notes.push_back(index_.address(id) + ": a sparse initializer, kept as it is");
      } else if (value.kind == ValueKind::kInitializer && value.also_input && !constants_.find(id)) {
        note_overridable(id, value);
      }
      overridable += value.kind == ValueKind::kInitializer && index_.overridable(id) ? 1 : 0;
    }
    if (overridable > 0) {
      survey_.notes.push_back(
          std::to_string(overridable) +
          " initializers are also graph inputs, which callers may override; those that are quantized are inputs "
          "no longer (`tensors: {overridable: keep}` leaves them)");
    }
    if (survey_.sites.empty() && survey_.kept.empty()) {
      survey_.notes.push_back("no node reads a float constant of " + std::to_string(survey_.min_elements) +
                              " elements or more");
    }
    if (quantized_nodes_ > 0) {
      survey_.notes.push_back(std::to_string(quantized_nodes_) + (quantized_nodes_ == 1 ? " node is" : " nodes are") +
                              " already quantized and left untouched");
    }
  }

  void note_overridable(ValueId id, const ValueInfo& value) {
    if (value.initializer == nullptr) return;
    const DType dtype = static_cast<DType>(value.initializer->data_type());
    const std::vector<int64_t> dims(value.initializer->dims().begin(), value.initializer->dims().end());
    const uint64_t elements = checked_elements(dims).value_or(0);
    if (!is_float(dtype) || elements < static_cast<uint64_t>(survey_.min_elements)) return;
    KeptWeight kept;
    kept.name = index_.address(id);
    if (!value.uses.empty()) {
      const NodeInfo& node = index_.node(value.uses[0].node);
      kept.node = node.address;
      kept.op = qualified_op(*node.proto);
    }
    kept.elements = elements;
    kept.bytes = bytes_of(dtype, elements);
    kept.reason = Reason{.rule = kBuiltIn, .position = {}, .text = "listed as graph input: callers may override it"};
    survey_.kept.push_back(std::move(kept));
  }

  const GraphIndex& index_;
  const ConstantFinder& constants_;
  Survey& survey_;
  ContentTable contents_;
  FunctionNames functions_;
  int quantized_nodes_ = 0;
  bool looks_tokens_up_ = false;
};

}  // namespace

Survey survey_sites(const GraphIndex& index, const ConstantFinder& constants, std::vector<ValueType> types,
                    int64_t min_elements) {
  Survey survey;
  survey.types = std::move(types);
  survey.min_elements = min_elements;
  Surveyor(index, constants, survey).run();
  return survey;
}

}  // namespace vetquant::plan
