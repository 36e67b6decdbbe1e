// One model's answers to one test set, sample by sample in order, and the file of the cache that keeps them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "vetquant/core/byte_stream.h"
#include "vetquant/eval/answer_cache.h"

namespace vetquant {

class StoredAnswers {
 public:
  StoredAnswers() = default;  // keeps nothing
  // Reads what is there. `of` names the model to people.
  StoredAnswers(const AnswerCache& cache, std::string key, size_t samples, std::string of);

  size_t known() const { return known_; }  // samples 0 .. known - 1 were there
  ByteReader at(size_t sample) const;      // Error{kIo} from the reader where it is no such answer
  void forget_from(size_t sample);         // what was there from here on is none
  void add(const ByteWriter& answer);      // to the next sample; written from time to time
  void save();                             // what was added, if anything was

 private:
  std::filesystem::path path() const;
  void load();
  void write();
  void trim() const;
  void tell(const std::string& words) const;

  const AnswerCache* cache_ = nullptr;
  std::string key_, of_;
  size_t samples_ = 0, known_ = 0, written_ = 0;
  std::vector<std::string> answers_;
  std::chrono::steady_clock::time_point wrote_ = std::chrono::steady_clock::now();
};

}  // namespace vetquant
