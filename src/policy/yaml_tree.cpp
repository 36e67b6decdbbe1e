#include "yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <sstream>

#include "vetquant/core/file.h"
#include "vetquant/core/text.h"
#include "vetquant/policy/document.h"

namespace vetquant {
namespace {

constexpr size_t kMostDepth = 32;

size_t most_bytes(const YamlLimits& limits) { return limits.mebibytes << 20; }

std::string too_long(const YamlLimits& limits) { return "is longer than " + std::to_string(limits.mebibytes) + " MiB"; }

[[noreturn]] void fail_at(const std::string& file, int line, int column, const std::string& what) {
  throw Error(ErrorCode::kUsage, what, SourcePosition{file, line, column}.text());
}

// Builds the tree while yaml-cpp reads, so that no bound is passed before we see it.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, size_t most_values) : file_(file), most_values_(most_values) {}

  std::shared_ptr<const YamlTree> root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(leaf(mark, YamlTree::Kind::kNull), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      fail_at(file_, mark.line + 1, mark.column + 1, "this alias stands inside of what it names");
    attach(found->second, mark.line + 1, mark.column + 1);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    auto tree = leaf(mark, YamlTree::Kind::kScalar);
    tree->scalar = value;
    tree->quoted = tag == "!";
    if (!tree->quoted && (value == "~" || value == "null")) tree->kind = YamlTree::Kind::kNull;
    add(std::move(tree), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlTree::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlTree::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<YamlTree> tree;
    YAML::anchor_t anchor;
    std::shared_ptr<const YamlTree> key;  // of a map, waiting for its value
  };

  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    fail_at(file_, mark.line + 1, mark.column + 1,
            "YAML tags such as '" + printable(tag, 60) + "' have no meaning here; remove it");
  }

  static std::shared_ptr<YamlTree> leaf(const YAML::Mark& mark, YamlTree::Kind kind) {
    auto tree = std::make_shared<YamlTree>();
    tree->kind = kind;
    tree->line = mark.line + 1;
    tree->column = mark.column + 1;
    return tree;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlTree::Kind kind) {
    check_tag(mark, tag);
    if (open_.size() >= kMostDepth) {
      fail_at(file_, mark.line + 1, mark.column + 1,
              "lists and maps are nested more than " + std::to_string(kMostDepth) + " deep");
    }
    open_.push_back({leaf(mark, kind), anchor, nullptr});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.tree), done.anchor);
  }

  void add(std::shared_ptr<YamlTree> tree, YAML::anchor_t anchor) {
    const int line = tree->line, column = tree->column;
    if (anchor != YAML::NullAnchor) anchors_[anchor] = tree;
    attach(std::move(tree), line, column);
  }

  void attach(std::shared_ptr<const YamlTree> tree, int line, int column) {
    if (open_.empty()) {
      root_ = std::move(tree);
      return;
    }
    Open& parent = open_.back();
    parent.tree->size += tree->size;
    // Every open parent will hold this one: the bound holds for what aliases stand for, not only for what is written.
    if (parent.tree->size > most_values_) {
      fail_at(file_, line, column,
              "the document has more than " + std::to_string(most_values_) + " values, aliases counted at each use");
    }
    if (parent.tree->kind == YamlTree::Kind::kList) {
      parent.tree->items.push_back(std::move(tree));
    } else if (!parent.key) {
      parent.key = std::move(tree);
    } else {
      parent.tree->entries.emplace_back(std::move(parent.key), std::move(tree));
      parent.key = nullptr;
    }
  }

  const std::string& file_;
  const size_t most_values_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, std::shared_ptr<const YamlTree>> anchors_;
  std::shared_ptr<const YamlTree> root_;
};

}  // namespace

YamlValue parse_yaml(const std::string& text, const std::string& file_name, const YamlLimits& limits) {
  if (text.size() > most_bytes(limits)) throw Error(ErrorCode::kUsage, too_long(limits), file_name);
  const size_t zero = text.find('\0');
  if (zero != std::string::npos)
    throw Error(ErrorCode::kUsage, "is no text: byte " + std::to_string(zero) + " is zero", file_name);
  TreeBuilder builder(file_name, limits.values);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (!builder.root()) throw Error(ErrorCode::kUsage, "is empty", file_name);
    TreeBuilder second(file_name, limits.values);
    if (parser.HandleNextDocument(second) && second.root()) {
      fail_at(file_name, second.root()->line, second.root()->column,
              "a second YAML document begins here; one per file");
    }
  } catch (const YAML::Exception& error) {
    const std::string what = error.msg.empty() ? std::string("is no YAML") : printable(error.msg);
    if (error.mark.is_null()) throw Error(ErrorCode::kUsage, what, file_name);
    fail_at(file_name, error.mark.line + 1, error.mark.column + 1, what);
  }
  return YamlValue(builder.root(), std::make_shared<const std::string>(file_name));
}

std::string read_small_file(const std::string& path, const YamlLimits& limits) {
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  if (file->size_bytes() > most_bytes(limits))
    throw Error(ErrorCode::kUsage, too_long(limits) + "; is it the right file?", path);
  std::string text(static_cast<size_t>(file->size_bytes()), '\0');
  file->read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

}  // namespace vetquant
