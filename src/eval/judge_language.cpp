#include "judge_language.h"

#include <algorithm>
#include <cmath>

#include "causal_model.h"
#include "kept_answers.h"
#include "token_scores.h"
#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"
#include "vetquant/core/parallel.h"
#include "vetquant/eval/language_model.h"

namespace vetquant {
namespace {

constexpr size_t kWorstKept = 20;

struct Window {
  size_t document = 0;
  std::span<const uint32_t> ids;  // fed; ids[i]'s logits are of the token after it
  std::span<const uint32_t> next;
  size_t begin = 0;         // of ids, in the document
  size_t first_scored = 0;  // index into next
};

void keep_worst(std::vector<TokenDoubt>& worst, const TokenDoubt& doubt) {
  const auto at = std::find_if(worst.begin(), worst.end(), [&](const auto& known) { return known.kl < doubt.kl; });
  worst.insert(at, doubt);
  if (worst.size() > kWorstKept) worst.pop_back();
}

class LanguageJudge {
 public:
  LanguageJudge(const TestSet& set, const JudgeOptions& options, std::vector<Judged>& models)
      : set_(*set.language), options_(options), models_(models), base_(models[options.baseline]) {}

  size_t run() {
    // A baseline that this task is not for is the user's mistake; another model's misfit is its result.
    if (base_.alive()) check_causal(base_.opened, set_.greatest_id);
    current_.resize(models_.size());
    for (Judged& model : models_) {
      model.attempt([&] { check_causal(model.opened, set_.greatest_id); });
      model.language.documents.resize(set_.documents.size());
      restore(model);
      wake(model);
    }
    for (size_t d = 0; d < set_.documents.size(); ++d) {
      read(d);
      report(d + 1, set_.documents.size(), "documents");
    }
    for (size_t i = 0; i < set_.cloze.size(); ++i) {
      fill(i);
      report(i + 1, set_.cloze.size(), "cloze items");
    }
    for (Judged& model : models_) model.stored.save();
    return steps_;
  }

 private:
  void report(uint64_t done, uint64_t total, const std::string& unit) const {
    interrupt::check();
    if (options_.progress) options_.progress({"judge", done, total, unit});
  }

  // In the cache a set's documents come first, then its gaps.
  void restore(Judged& model) {
    model.restore([&](size_t sample, ByteReader& reader) {
      const size_t documents = set_.documents.size();
      if (sample < documents) {
        accept(model, sample, read_document(reader, set_, sample));
      } else {
        model.language.picks.push_back(read_pick(reader, set_.cloze[sample - documents]));
      }
    });
  }

  static void accept(Judged& model, size_t document, DocumentAnswer answer) {
    model.language.documents[document] = std::move(answer.score);
    for (const TokenDoubt& doubt : answer.worst) keep_worst(model.language.worst, doubt);
  }

  // Time and memory are measured: a model whose answers were known runs what it would have run first, then the longest.
  void wake(Judged& model) {
    if (!model.alive() || model.stored.known() == 0) return;
    std::vector<std::span<const uint32_t>> texts;
    for (const Document& document : set_.documents) texts.push_back(fed(document.text));
    for (const ClozeItem& item : set_.cloze) texts.push_back(fed(item.texts[0]));
    const auto longest =
        std::max_element(texts.begin(), texts.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
    for (const auto& ids : {texts[0], *longest}) model.attempt([&] { reader_of(model).read(ids); });
  }

  // The first window; the last token is fed to nobody.
  std::span<const uint32_t> fed(const ScoredText& text) const {
    return std::span(text.ids).first(std::min(set_.window, text.ids.size() - 1));
  }

  bool wants(const Judged& model, size_t sample) const { return model.alive() && sample >= model.stored.known(); }

  void read(size_t document) {
    const ScoredText& text = set_.documents[document].text;
    const size_t last = text.ids.size() - 1;
    size_t scored = text.first_scored;  // the next token to be scored
    const bool read_by_any =
        std::any_of(models_.begin(), models_.end(), [&](const Judged& model) { return wants(model, document); });
    for (DocumentAnswer& answer : current_) answer = {};
    for (size_t begin = 0; scored <= last; begin += set_.stride) {
      const size_t count = std::min(set_.window, last - begin);
      const auto all = std::span(text.ids);
      const Window window{document, all.subspan(begin, count), all.subspan(begin + 1, count), begin,
                          std::max(scored, begin + 1) - begin - 1};
      if (read_by_any) read(window);
      scored = std::max(scored, begin + count + 1);
      ++steps_;
    }
    for (size_t m = 0; m < models_.size(); ++m) {
      if (wants(models_[m], document)) finish(models_[m], document, std::move(current_[m]));
    }
  }

  // Without the baseline's side a comparison is none, and not worth keeping.
  void finish(Judged& model, size_t document, DocumentAnswer answer) {
    if (base_.alive()) {
      ByteWriter writer;
      write(writer, answer);
      model.stored.add(writer);
    }
    accept(model, document, std::move(answer));
  }

  // The baseline's distributions are too large to keep: it reads again what another model is compared on.
  void read(const Window& window) {
    base_logits_ = {};
    base_scores_.clear();
    base_.attempt([&] { base_logits_ = score(options_.baseline, window); });
    parallel_for(models_.size(), options_.models_at_once, [&](uint64_t m) {
      if (&models_[m] != &base_ && wants(models_[m], window.document)) models_[m].attempt([&] { score(m, window); });
    });
  }

  Logits score(size_t m, const Window& window) {
    Judged& model = models_[m];
    Logits logits = reader_of(model).read(window.ids);
    DocumentScore& document = current_[m].score;
    for (size_t i = window.first_scored; i < window.ids.size(); ++i) {
      const TokenScore own = score_token(logits.at(i), window.next[i]);
      document.nll += own.nll;
      ++document.tokens;
      if (&model == &base_) {
        base_scores_.push_back(own);
      } else if (base_.alive()) {
        compare(current_[m], window, i, logits, own);
      }
    }
    return logits;
  }

  void compare(DocumentAnswer& answer, const Window& window, size_t i, const Logits& logits,
               const TokenScore& own) const {
    if (logits.vocabulary != base_logits_.vocabulary) {
      throw Error(ErrorCode::kGate, "the model gives logits of " + std::to_string(logits.vocabulary) +
                                        " tokens where the baseline gives " + std::to_string(base_logits_.vocabulary));
    }
    const TokenScore& base = base_scores_[i - window.first_scored];
    const double kl = divergence(base_logits_.at(i), base.log_sum, logits.at(i), own.log_sum);
    answer.score.kl.push_back(static_cast<float>(kl));
    answer.score.agreed += own.best == base.best ? 1 : 0;
    if (kl > 0) keep_worst(answer.worst, {kl, window.document, window.begin + i + 1, own.best, base.best});
  }

  void fill(size_t index) {
    const ClozeItem& item = set_.cloze[index];
    const size_t sample = set_.documents.size() + index;
    const bool keep = base_.alive();  // else documents before are not kept, either
    parallel_for(models_.size(), options_.models_at_once, [&](uint64_t m) {
      Judged& model = models_[m];
      if (!wants(model, sample)) return;
      model.attempt([&] {
        model.language.picks.push_back(pick(model, item));
        if (!keep) return;
        ByteWriter writer;
        write(writer, model.language.picks.back());
        model.stored.add(writer);
      });
    });
    steps_ += item.texts.size();
  }

  // What stands before the choices is read once, where the model has caches to go on from.
  uint32_t pick(Judged& model, const ClozeItem& item) const {
    const size_t common = has_caches(model.opened) ? common_beginning(item) : 0;
    CausalReader reader = reader_of(model);
    const Logits before = reader.read_to_go_on(std::span(item.texts[0].ids).first(common));
    std::vector<double> nll;
    for (const ScoredText& text : item.texts) {
      const auto fed = std::span(text.ids).first(text.ids.size() - 1);
      const Logits after = CausalReader(reader).read(fed.subspan(common));
      Sum sum;
      for (size_t i = text.first_scored - 1; i < fed.size(); ++i) {
        const auto logits = i < common ? before.at(i) : after.at(i - common);
        sum.add(score_token(logits, text.ids[i + 1]).nll);
      }
      nll.push_back(std::isfinite(sum.value()) ? sum.value() : HUGE_VAL);
    }
    const auto least = std::min_element(nll.begin(), nll.end());
    const bool sure = std::isfinite(*least) && std::count(nll.begin(), nll.end(), *least) == 1;
    return sure ? static_cast<uint32_t>(least - nll.begin()) : kNoChoice;
  }

  // How many tokens all of an item's texts begin with; of each the last is fed to nobody.
  static size_t common_beginning(const ClozeItem& item) {
    const std::vector<uint32_t>& first = item.texts[0].ids;
    size_t common = first.size() - 1;
    for (const ScoredText& text : item.texts) {
      const auto end = first.begin() + static_cast<std::ptrdiff_t>(std::min(common, text.ids.size() - 1));
      common = static_cast<size_t>(std::mismatch(first.begin(), end, text.ids.begin()).first - first.begin());
    }
    return common;
  }

  CausalReader reader_of(Judged& model) const { return {model, set_.tokens_per_run, set_.greatest_id}; }

  const LanguageSet& set_;
  const JudgeOptions& options_;
  std::vector<Judged>& models_;
  Judged& base_;
  Logits base_logits_;                   // of the window at hand
  std::vector<TokenScore> base_scores_;  // of its scored tokens
  std::vector<DocumentAnswer> current_;  // each model's, of the document at hand
  size_t steps_ = 0;
};

}  // namespace

size_t judge_language(const TestSet& set, const JudgeOptions& options, std::vector<Judged>& models) {
  return LanguageJudge(set, options, models).run();
}

}  // namespace vetquant
