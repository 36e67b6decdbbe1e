// How far long work is, on stderr: a bar that is redrawn on a terminal, a plain line now and then elsewhere.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr Seconds kRedraw{0.1};
constexpr size_t kBarCells = 24;
constexpr double kTooEarly =
    0.005;                       // a share that says nothing about the rate: it may be the first tile after a long load
constexpr size_t kColumns = 80;  // of a terminal that does not tell

// Seconds between plain lines: $VETQUANT_PROGRESS_SECONDS, else 10.
Seconds plain_pause() {
  const char* text = std::getenv("VETQUANT_PROGRESS_SECONDS");
  if (text == nullptr) return Seconds(10);
  const std::string_view digits(text);
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (error != std::errc() || end != digits.data() + digits.size())
    throw Error(ErrorCode::kUsage, "'" + printable(text) + "' is no number of seconds", "VETQUANT_PROGRESS_SECONDS");
  return Seconds(seconds);
}

size_t terminal_columns() {
  winsize size = {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kColumns;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long>(std::min(seconds + 0.5, 1e7));
  if (whole < 60) return std::to_string(whole) + " s";
  char text[32];
  if (whole < 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld min", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld h", whole / 3600, whole / 60 % 60);
  }
  return text;
}

class Printer {
 public:
  Printer() : pause_(terminal_ ? kRedraw : plain_pause()), heard_(Clock::now()), stage_begin_(heard_), shown_(heard_) {
    if (terminal_) shown_ -= std::chrono::duration_cast<Clock::duration>(kRedraw);  // the first bar comes at once
  }
  ~Printer() { clear(); }  // also on errors: their message begins on a clean line
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  void show(const Progress& progress) {
    const auto now = Clock::now();
    if (progress.stage != stage_ || progress.done < done_) {  // another stage, or the same for another model
      stage_ = progress.stage;
      stage_begin_ = heard_;
    }
    done_ = progress.done;
    heard_ = now;
    if (progress.done >= progress.total) return clear();
    if (now - shown_ < pause_) return;
    shown_ = now;
    const double seconds = Seconds(now - stage_begin_).count();
    if (!terminal_) {
      std::fprintf(stderr, "%s: %s\n", stage_.c_str(), facts(progress, seconds, ", ").c_str());
      return;
    }
    const auto full = static_cast<size_t>(share(progress) * static_cast<double>(kBarCells));
    const std::string bar = std::string(full, '#') + std::string(kBarCells - full, '.');
    const std::string line = stage_ + " [" + bar + "] " + facts(progress, seconds, "  ");
    std::fprintf(stderr, "\r\033[K%s", line.substr(0, terminal_columns() - 1).c_str());
    drawn_ = true;
  }

 private:
  static double share(const Progress& progress) {
    return static_cast<double>(progress.done) / static_cast<double>(progress.total);
  }

  // "61 %, 1.2 GB/s, 3 s left"
  static std::string facts(const Progress& progress, double seconds, const char* separator) {
    char percent[16];
    std::snprintf(percent, sizeof percent, "%.0f %%", 100 * share(progress));
    std::string text = percent;
    if (share(progress) < kTooEarly || seconds <= 0) return text;
    const double rate = static_cast<double>(progress.done) / seconds;
    if (progress.unit == "B") text += separator + human_bytes(static_cast<uint64_t>(rate)) + "/s";
    return text + separator + duration_text(seconds / share(progress) - seconds) + " left";
  }

  void clear() {
    if (drawn_) std::fputs("\r\033[K", stderr);
    drawn_ = false;
  }

  bool terminal_ = ::isatty(STDERR_FILENO) != 0, drawn_ = false;
  Seconds pause_;
  Clock::time_point heard_, stage_begin_, shown_;  // of the last call, of this stage's begin, of the last line
  std::string stage_;
  uint64_t done_ = 0;
};

}  // namespace

ProgressSink progress_sink(const Globals& globals) {
  if (globals.quiet) return {};
  return [printer = std::make_shared<Printer>()](const Progress& progress) { printer->show(progress); };
}

}  // namespace vetquant::cli
