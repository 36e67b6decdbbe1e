#include "kept_answers.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

void check(bool good) {
  if (!good) throw Error(ErrorCode::kIo, "is no answer to it");
}

uint32_t small_number(ByteReader& reader) {
  const uint64_t number = reader.number();
  check(number <= UINT32_MAX);
  return static_cast<uint32_t>(number);
}

}  // namespace

void write(ByteWriter& writer, const Answer& answer) {
  writer.number(answer.best);
  writer.number(answer.in_top_k ? 1 : 0);
  writer.real(answer.confidence);
}

Answer read_answer(ByteReader& reader, const TestSet& set) {
  constexpr uint32_t kMostClasses = 1u << 16;  // where the set does not name them
  Answer answer;
  answer.best = small_number(reader);
  const uint64_t in_top_k = reader.number();
  answer.in_top_k = in_top_k == 1;
  answer.confidence = reader.real();
  const size_t classes = set.labels.empty() ? kMostClasses : set.labels.size();
  check((answer.best < classes || answer.best == kNoClass) && in_top_k <= 1);
  check(answer.confidence >= 0 && answer.confidence <= 1);
  return answer;
}

void write(ByteWriter& writer, const DocumentAnswer& answer) {
  writer.real(answer.score.nll);
  writer.number(answer.score.tokens);
  writer.number(answer.score.agreed);
  writer.bytes(std::as_bytes(std::span(answer.score.kl)));
  writer.number(answer.worst.size());
  for (const TokenDoubt& doubt : answer.worst) {
    writer.real(doubt.kl);
    writer.number(doubt.token);
    writer.number(doubt.own_best);
    writer.number(doubt.base_best);
  }
}

DocumentAnswer read_document(ByteReader& reader, const LanguageSet& set, size_t document) {
  const ScoredText& text = set.documents[document].text;
  DocumentAnswer answer;
  DocumentScore& score = answer.score;
  score.nll = reader.real();
  score.tokens = reader.number();
  score.agreed = reader.number();
  const std::vector<std::byte> kl = reader.bytes();
  check(!std::isnan(score.nll) && score.tokens == text.ids.size() - text.first_scored && score.agreed <= score.tokens);
  check(kl.empty() || kl.size() == score.tokens * sizeof(float));
  score.kl.resize(kl.size() / sizeof(float));
  std::copy(kl.begin(), kl.end(), std::as_writable_bytes(std::span(score.kl)).begin());
  for (const float value : score.kl) check(value >= 0);  // NaN is not
  answer.worst.resize(reader.count());
  for (TokenDoubt& doubt : answer.worst) {
    doubt = {reader.real(), document, reader.number(), small_number(reader), small_number(reader)};
    check(doubt.kl >= 0 && doubt.token < text.ids.size());
  }
  return answer;
}

void write(ByteWriter& writer, uint32_t pick) { writer.number(pick); }

uint32_t read_pick(ByteReader& reader, const ClozeItem& item) {
  const uint32_t pick = small_number(reader);
  check(pick < item.choices.size() || pick == kNoChoice);
  return pick;
}

}  // namespace vetquant
