#include "tokenizer_file.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "byte_level.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kGreatestId = (uint64_t{1} << 24) - 1;
constexpr size_t kMostSteps = 64;

class Reader {
 public:
  explicit Reader(std::string name) : name_(std::move(name)) {}

  TokenizerParts read(const Json& file) {
    if (!file.is_object()) fail("is no tokenizer.json: it holds no object");
    if (const Json& normalizer = part(file, "normalizer"); !is_nothing(normalizer))
      fail("asks for the normalizer '" + type_of(normalizer) + "'; only tokenizers without one are known");
    read_model(object(file, "model"));
    read_added(part(file, "added_tokens"));
    read_steps(part(file, "pre_tokenizer"));
    if (!has_bytes_)
      fail("has no ByteLevel pre_tokenizer; only byte-level BPE is known (not SentencePiece or WordPiece)");
    check_decoder(part(file, "decoder"));
    read_post_processor(part(file, "post_processor"));
    return std::move(parts_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorCode::kUsage, what, name_); }

  static const Json& part(const Json& parent, const char* key) {
    static const Json nothing;
    const auto found = parent.find(key);
    return found == parent.end() ? nothing : *found;
  }

  const Json& object(const Json& parent, const char* key) const {
    const Json& found = part(parent, key);
    if (!found.is_object()) fail(std::string("has no object '") + key + "'");
    return found;
  }

  const Json& list(const Json& parent, const char* key) const {
    const Json& found = part(parent, key);
    if (!found.is_array()) fail(std::string("has no list '") + key + "'");
    return found;
  }

  std::string text(const Json& parent, const char* key) const {
    const Json& found = part(parent, key);
    if (!found.is_string()) fail(std::string("has no text '") + key + "' where one is needed");
    return found.get<std::string>();
  }

  bool flag(const Json& parent, const char* key, const char* of, bool otherwise) const {
    const Json& found = part(parent, key);
    if (found.is_null()) return otherwise;
    if (!found.is_boolean()) fail(std::string("'") + key + "' of " + of + " is neither true nor false");
    return found.get<bool>();
  }

  std::string type_of(const Json& step) const {
    if (!step.is_object()) fail("has a step that is no object");
    return printable(text(step, "type"), 40);
  }

  // null, or a Sequence of nothing.
  static bool is_nothing(const Json& step) {
    if (step.is_null()) return true;
    if (!step.is_object() || part(step, "type") != "Sequence") return false;
    const Json& inner = part(step, "normalizers");
    return inner.is_array() && inner.empty();
  }

  uint32_t token_number(const Json& number, const std::string& token) const {
    const bool whole = number.is_number_integer() && (number.is_number_unsigned() || number.get<int64_t>() >= 0);
    if (!whole || number.get<uint64_t>() > kGreatestId) {
      fail("token '" + printable(token, 40) + "' has no number from 0 to " + std::to_string(kGreatestId) + ": " +
           printable(number.dump(), 40));
    }
    return static_cast<uint32_t>(number.get<uint64_t>());
  }

  uint32_t id_of(const std::string& token, const char* what) const {
    const auto found = parts_.ids.find(token);
    if (found == parts_.ids.end()) fail(std::string(what) + " '" + printable(token, 40) + "' is not in the vocabulary");
    return found->second;
  }

  void add_token(const std::string& token, uint32_t id) {
    const auto [entry, added] = parts_.written.try_emplace(id, token);
    if (!added) {
      fail("tokens '" + printable(entry->second, 40) + "' and '" + printable(token, 40) + "' have the same number " +
           std::to_string(id));
    }
    parts_.ids.emplace(token, id);
  }

  void refuse_model_options(const Json& model) const {
    if (const Json& dropout = part(model, "dropout"); !dropout.is_null() && dropout != 0)
      fail("asks for dropout, which makes a text's tokens random");
    if (flag(model, "byte_fallback", "model", false))
      fail("asks for byte_fallback, as SentencePiece models do; only byte-level BPE is known");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (const Json& mark = part(model, key); !mark.is_null() && mark != "")
        fail(std::string("asks for '") + key + "', which byte-level BPE does not have");
    }
  }

  void read_model(const Json& model) {
    const std::string type = part(model, "type").is_string() ? text(model, "type") : "BPE";
    if (type != "BPE") fail("is of type '" + printable(type, 40) + "'; only byte-level BPE is known");
    refuse_model_options(model);
    const Json& vocabulary = object(model, "vocab");
    if (vocabulary.empty()) fail("has an empty vocabulary");
    for (const auto& [token, number] : vocabulary.items()) {
      const uint32_t id = token_number(number, token);
      add_token(token, id);
      parts_.bpe.ids.emplace(from_byte_alphabet(token).value_or(token), id);
    }
    parts_.bpe.whole_words_first = flag(model, "ignore_merges", "model", false);
    parts_.bpe.fuse_unknown = flag(model, "fuse_unk", "model", false);
    if (!part(model, "unk_token").is_null()) parts_.bpe.unknown = id_of(text(model, "unk_token"), "unk_token");
    uint32_t rank = 0;
    for (const Json& merge : list(model, "merges")) read_merge(merge, rank++);
  }

  // "a b", or ["a", "b"] since tokenizers 0.20.
  void read_merge(const Json& merge, uint32_t rank) {
    std::string left, right;
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    } else if (merge.is_string()) {
      const auto both = merge.get<std::string>();
      const size_t space = both.find(' ');
      if (space == std::string::npos || both.find(' ', space + 1) != std::string::npos)
        fail("merge " + std::to_string(rank) + " is not two tokens with a space between them");
      left = both.substr(0, space);
      right = both.substr(space + 1);
    } else {
      fail("merge " + std::to_string(rank) + " is not a pair of tokens");
    }
    const uint64_t pair = uint64_t{id_of(left, "a merge's token")} << 32 | id_of(right, "a merge's token");
    parts_.bpe.merges[pair] = {rank, id_of(left + right, "a merge's result")};
  }

  void read_added(const Json& tokens) {
    if (tokens.is_null()) return;
    if (!tokens.is_array()) fail("has no list 'added_tokens'");
    for (const Json& entry : tokens) {
      if (!entry.is_object()) fail("has an added token that is no object");
      AddedToken token;
      token.text = text(entry, "content");
      token.id = token_number(part(entry, "id"), token.text);
      if (token.text.empty()) fail("has an added token without text");
      if (flag(entry, "single_word", "an added token", false))
        fail("added token '" + printable(token.text, 40) + "' asks for single_word, which is not known");
      token.takes_space_before = flag(entry, "lstrip", "an added token", false);
      token.takes_space_after = flag(entry, "rstrip", "an added token", false);
      token.special = flag(entry, "special", "an added token", false);
      token.normalized = flag(entry, "normalized", "an added token", !token.special);
      const auto known = parts_.ids.find(token.text);
      if (known == parts_.ids.end()) {
        add_token(token.text, token.id);
      } else if (known->second != token.id) {
        fail("token '" + printable(token.text, 40) + "' has two numbers, " + std::to_string(known->second) + " and " +
             std::to_string(token.id));
      }
      parts_.added.push_back(std::move(token));
    }
  }

  void read_steps(const Json& step) {
    if (step.is_null()) return;
    const std::string type = type_of(step);
    if (type == "Sequence") {
      for (const Json& inner : list(step, "pretokenizers")) {
        if (inner.is_object() && part(inner, "type") == "Sequence") fail("has a Sequence within a Sequence");
        read_steps(inner);
      }
      return;
    }
    if (has_bytes_) fail("has the pre_tokenizer '" + type + "' after ByteLevel, which must be the last");
    if (parts_.steps.size() == kMostSteps) fail("has more than " + std::to_string(kMostSteps) + " pre_tokenizers");
    SplitStep made;
    if (type == "ByteLevel") {
      has_bytes_ = true;
      made.adds_space = flag(step, "add_prefix_space", "ByteLevel", true);
      if (flag(step, "use_regex", "ByteLevel", true)) made.regex = std::make_unique<SplitRegex>(kByteLevelPattern);
    } else if (type == "Digits") {
      const bool each = flag(step, "individual_digits", "Digits", false);
      made.regex = std::make_unique<SplitRegex>(each ? kEachDigitPattern : kDigitRunsPattern);
    } else if (type == "Split") {
      read_split(step, made);
    } else {
      fail("asks for the pre_tokenizer '" + type + "'; known are ByteLevel, Split, Digits and Sequence");
    }
    parts_.steps.push_back(std::move(made));
  }

  void read_split(const Json& step, SplitStep& made) const {
    const Json& pattern = object(step, "pattern");
    const std::string regex =
        pattern.contains("String") ? escaped_regex(text(pattern, "String")) : text(pattern, "Regex");
    if (regex.empty()) fail("has a Split with an empty pattern");
    try {
      made.regex = std::make_unique<SplitRegex>(regex);
    } catch (const std::invalid_argument& error) {
      fail("the pattern '" + printable(regex, 60) + "' of Split is not understood: " + error.what());
    }
    const std::string behavior = text(step, "behavior");
    if (behavior != "Isolated" && behavior != "Removed")
      fail("asks for the behavior '" + printable(behavior, 40) + "' of Split; known are Isolated and Removed");
    made.behavior = behavior == "Removed" ? SplitBehavior::kRemoved : SplitBehavior::kIsolated;
    made.keeps = flag(step, "invert", "Split", false) ? SplitKeeps::kBetween : SplitKeeps::kMatches;
  }

  void check_decoder(const Json& decoder) const {
    if (decoder.is_null()) return;
    const std::string type = type_of(decoder);
    if (type == "ByteLevel") return;
    if (type == "Sequence") {
      const Json& inner = list(decoder, "decoders");
      if (inner.size() == 1 && type_of(inner[0]) == "ByteLevel") return;
    }
    fail("asks for the decoder '" + type + "'; only ByteLevel is known");
  }

  void read_post_processor(const Json& step) {
    if (step.is_null()) return;
    const std::string type = type_of(step);
    if (type == "ByteLevel") return;
    if (type == "Sequence") {
      for (const Json& inner : list(step, "processors")) {
        if (inner.is_object() && part(inner, "type") == "Sequence") fail("has a Sequence within a Sequence");
        read_post_processor(inner);
      }
      return;
    }
    if (type != "TemplateProcessing")
      fail("asks for the post_processor '" + type + "'; known are ByteLevel, TemplateProcessing and Sequence");
    const Json& known = object(step, "special_tokens");
    std::vector<uint32_t>* side = &parts_.prefix;
    for (const Json& piece : list(step, "single")) {
      if (!piece.is_object()) fail("has a template whose piece is no object");
      if (piece.contains("Sequence")) {
        side = &parts_.suffix;
        continue;
      }
      const std::string name = text(object(piece, "SpecialToken"), "id");
      for (const Json& id : list(object(known, name.c_str()), "ids")) {
        side->push_back(token_number(id, name));
        if (!parts_.written.contains(side->back()))
          fail("the template's token '" + printable(name, 40) + "' is not in the vocabulary");
      }
    }
  }

  std::string name_;
  TokenizerParts parts_;
  bool has_bytes_ = false;
};

}  // namespace

TokenizerParts read_tokenizer(std::string_view json, const std::string& name) {
  Json file;
  try {
    file = Json::parse(json);
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kUsage, std::string("is not valid JSON: ") + printable(error.what()), name);
  }
  return Reader(name).read(file);
}

}  // namespace vetquant
