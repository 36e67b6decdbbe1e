#include <map>
#include <mutex>

#include "operators_text.h"
#include "vetquant/policy/operator_support.h"
#include "words.h"

namespace vetquant {
namespace {

// What parse_target read beside the TargetProfile, by the profile's digest.
class KnownSupport {
 public:
  std::optional<TargetSupport> find(const std::string& digest) {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(digest);
    return found == known_.end() ? std::nullopt : std::optional(found->second);
  }
  void add(const std::string& digest, TargetSupport support) {
    const std::lock_guard lock(mutex_);
    known_.insert_or_assign(digest, std::move(support));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, TargetSupport> known_;
};

KnownSupport& known_support() {
  static KnownSupport known;
  return known;
}

}  // namespace

std::string_view name_of(ProfileStatus status) { return words::kStatus[static_cast<size_t>(status)]; }

std::string_view words_of(ProfileStatus status) {
  switch (status) {
    case ProfileStatus::kCompiled:
      return "judged by the vendor's compiler, not run on a device";
    case ProfileStatus::kUntested:
      return "from documents, untested";
    case ProfileStatus::kMeasured:
      break;
  }
  return {};
}

void remember_support(const std::string& digest, TargetSupport support) {
  known_support().add(digest, std::move(support));
}

TargetSupport support_of(const TargetProfile& target) {
  if (auto known = known_support().find(target.digest)) return std::move(*known);
  if (target.text.empty()) return {};  // made by hand, in a test
  const TargetProfile again =
      parse_target(target.text, "target " + target.name);  // of a lock file that another version wrote
  return known_support().find(again.digest).value_or(TargetSupport());
}

}  // namespace vetquant
