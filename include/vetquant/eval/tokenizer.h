// Text to token numbers and back, exactly as a model's own tokenizer.json (Hugging Face) says: byte-level BPE.
//
//   text -> added tokens cut out -> pre-tokenizer (ByteLevel, Split, Digits, Sequence) -> bytes -> merges by rank -> ids
//
// What the file asks for and is not done here (normalizers, other models than byte-level BPE, dropout) is refused when it is
// loaded, never skipped. `truncation` and `padding` are wishes of a caller and are not applied; the template's special
// tokens are not added by encode(): who wants them puts prefix() before and suffix() after.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vetquant {

enum class SpecialTokens { kKeep, kSkip };

class Tokenizer {  // cheap to copy
 public:
  using Id = uint32_t;

  // Error{kUsage} "tokenizer.json: ..." where it is no tokenizer, lies about its tokens, or asks for what is not done here.
  static Tokenizer load(const std::filesystem::path& file);
  static Tokenizer parse(std::string_view json, const std::string& name);  // name: of the file, for messages

  // Added tokens in the text become their ids. Error{kUsage} where the text is not UTF-8.
  std::vector<Id> encode(std::string_view text) const;
  // Unknown ids are left out; bytes that are no UTF-8 become U+FFFD, one for each broken sequence.
  std::string decode(std::span<const Id> ids, SpecialTokens special = SpecialTokens::kSkip) const;

  std::optional<Id> id_of(const std::string& token) const;  // as the file writes it: "\u0120the", "<|endoftext|>"
  std::optional<std::string> token_of(Id id) const;         // likewise
  std::string bytes_of(Id id) const;                        // what it stands for in a text; "" for an unknown id
  bool is_special(Id id) const;
  size_t size() const;     // tokens, added ones included
  Id greatest_id() const;  // a model's vocabulary must be larger

  const std::vector<Id>& prefix() const;  // what the file's template puts before a text
  const std::vector<Id>& suffix() const;

 private:
  struct State;
  explicit Tokenizer(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace vetquant
