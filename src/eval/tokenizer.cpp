#include "vetquant/eval/tokenizer.h"

#include <algorithm>
#include <array>

#include "byte_level.h"
#include "tokenizer_file.h"
#include "vetquant/core/error.h"
#include "vetquant/core/file.h"
#include "vetquant/core/utf8.h"

namespace vetquant {
namespace {

constexpr uint64_t kLargestFile = uint64_t{128} << 20;

bool is_space(uint32_t code) {
  return (code >= 0x9 && code <= 0xD) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

size_t end_of_spaces(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Utf8Step step = utf8_at(text, at);
    if (!is_space(step.code)) break;
    at += step.bytes;
  }
  return at;
}

size_t begin_of_spaces(std::string_view text, size_t end, size_t least) {
  while (end > least) {
    size_t at = end - 1;
    while (at > least && (static_cast<uint8_t>(text[at]) & 0xC0U) == 0x80U) --at;
    if (!is_space(utf8_at(text, at).code)) break;
    end = at;
  }
  return end;
}

// Finds added tokens: the leftmost, of those that begin there the longest.
class AddedTokens {
 public:
  void add(const AddedToken& token) { by_first_[static_cast<uint8_t>(token.text[0])].push_back(token); }
  void finish() {
    for (auto& tokens : by_first_) {
      std::stable_sort(tokens.begin(), tokens.end(),
                       [](const auto& a, const auto& b) { return a.text.size() > b.text.size(); });
    }
  }

  template <typename OnText, typename OnToken>
  void cut(std::string_view text, const OnText& on_text, const OnToken& on_token) const {
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
      const AddedToken* found = found_at(text, at);
      if (!found) {
        ++at;
        continue;
      }
      const size_t until = found->takes_space_before ? begin_of_spaces(text, at, begin) : at;
      if (until > begin) on_text(text.substr(begin, until - begin));
      on_token(found->id);
      at += found->text.size();
      begin = at = found->takes_space_after ? end_of_spaces(text, at) : at;
    }
    if (begin < text.size()) on_text(text.substr(begin));
  }

 private:
  const AddedToken* found_at(std::string_view text, size_t at) const {
    for (const AddedToken& token : by_first_[static_cast<uint8_t>(text[at])]) {
      if (text.compare(at, token.text.size(), token.text) == 0) return &token;
    }
    return nullptr;
  }

  std::array<std::vector<AddedToken>, 256> by_first_;
};

}  // namespace

struct Tokenizer::State {
  TokenizerParts parts;
  AddedTokens as_written, normalized;
  std::unordered_map<Id, bool> special;
  Id greatest_id = 0;

  explicit State(TokenizerParts read) : parts(std::move(read)) {
    for (const AddedToken& token : parts.added) {
      (token.normalized ? normalized : as_written).add(token);
      special[token.id] = token.special;
    }
    as_written.finish();
    normalized.finish();
    for (const auto& [id, token] : parts.written) greatest_id = std::max(greatest_id, id);
  }
};

Tokenizer::Tokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  if (file->size_bytes() > kLargestFile) throw Error(ErrorCode::kUsage, "is too large for a tokenizer", path.string());
  std::string text(file->size_bytes(), '\0');
  file->read(0, std::as_writable_bytes(std::span(text)));
  return parse(text, path.string());
}

Tokenizer Tokenizer::parse(std::string_view json, const std::string& name) {
  return Tokenizer(std::make_shared<const State>(read_tokenizer(json, name)));
}

std::vector<Tokenizer::Id> Tokenizer::encode(std::string_view text) const {
  if (const size_t bad = first_bad_utf8(text); bad != std::string_view::npos)
    throw Error(ErrorCode::kUsage, "the text is not UTF-8 at byte " + std::to_string(bad));
  std::vector<Id> ids;
  const auto on_token = [&](Id id) { ids.push_back(id); };
  const auto on_plain = [&](std::string_view plain) {
    for (const std::string& word : pre_tokenized(state_->parts.steps, plain)) state_->parts.bpe.encode(word, ids);
  };
  state_->as_written.cut(
      text, [&](std::string_view rest) { state_->normalized.cut(rest, on_plain, on_token); }, on_token);
  return ids;
}

std::string Tokenizer::decode(std::span<const Id> ids, SpecialTokens special) const {
  std::string bytes;
  for (const Id id : ids) {
    if (special == SpecialTokens::kKeep || !is_special(id)) bytes += bytes_of(id);
  }
  return lossy_utf8(bytes);
}

std::optional<Tokenizer::Id> Tokenizer::id_of(const std::string& token) const {
  const auto found = state_->parts.ids.find(token);
  return found == state_->parts.ids.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Tokenizer::token_of(Id id) const {
  const auto found = state_->parts.written.find(id);
  return found == state_->parts.written.end() ? std::nullopt : std::optional(found->second);
}

std::string Tokenizer::bytes_of(Id id) const {
  const auto found = state_->parts.written.find(id);
  if (found == state_->parts.written.end()) return "";
  return from_byte_alphabet(found->second).value_or(found->second);
}

bool Tokenizer::is_special(Id id) const {
  const auto found = state_->special.find(id);
  return found != state_->special.end() && found->second;
}

size_t Tokenizer::size() const { return state_->parts.written.size(); }
Tokenizer::Id Tokenizer::greatest_id() const { return state_->greatest_id; }
const std::vector<Tokenizer::Id>& Tokenizer::prefix() const { return state_->parts.prefix; }
const std::vector<Tokenizer::Id>& Tokenizer::suffix() const { return state_->parts.suffix; }

}  // namespace vetquant
