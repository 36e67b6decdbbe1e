// For tools/crosscheck/speech.py: each line of stdin is a reference, a tab, and a hypothesis; prints hits, substitutions,
// deletions and insertions of words, then of characters.
#include <iostream>
#include <string>

#include "vetquant/eval/word_errors.h"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) return 2;
    const std::string reference = line.substr(0, tab), hypothesis = line.substr(tab + 1);
    for (const auto count : {vetquant::word_errors, vetquant::character_errors}) {
      const vetquant::EditCounts found = count(reference, hypothesis);
      std::cout << found.hits << ' ' << found.substitutions << ' ' << found.deletions << ' ' << found.insertions << ' ';
    }
    std::cout << '\n';
  }
  return 0;
}
