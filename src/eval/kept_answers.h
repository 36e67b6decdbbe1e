// Answers as bytes and back. Reading trusts nothing: Error{kIo} where it is no answer that this test set can have.
#pragma once

#include "judged.h"
#include "vetquant/core/byte_stream.h"

namespace vetquant {

struct DocumentAnswer {
  DocumentScore score;
  std::vector<TokenDoubt> worst;  // of this document
};

void write(ByteWriter& writer, const Answer& answer);
void write(ByteWriter& writer, const DocumentAnswer& answer);
void write(ByteWriter& writer, uint32_t pick);  // of a cloze item
Answer read_answer(ByteReader& reader, const TestSet& set);
DocumentAnswer read_document(ByteReader& reader, const LanguageSet& set, size_t document);
uint32_t read_pick(ByteReader& reader, const ClozeItem& item);

}  // namespace vetquant
