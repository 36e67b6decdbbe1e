#include "report/markup_check.h"

#include <regex>
#include <set>
#include <vector>

namespace vetquant::test {
namespace {

// What stands in a tag after its name; "" or a complaint.
std::string attributes_complaint(std::string rest) {
  static const std::regex kAttribute("^\\s+([A-Za-z][A-Za-z0-9-]*)=\"([^\"<>]*)\"");
  static const std::regex kReference("&(amp|lt|gt|quot|nbsp|#39);");
  std::set<std::string> seen;
  for (std::smatch match; std::regex_search(rest, match, kAttribute); rest = match.suffix()) {
    if (!seen.insert(match[1]).second) return "attribute twice: " + match[1].str();
    const std::string bare = std::regex_replace(match[2].str(), kReference, "");
    if (bare.find('&') != std::string::npos) return "bare & in " + match[1].str();
  }
  return rest.empty() ? "" : "not an attribute: " + rest;
}

}  // namespace

std::string markup_complaint(const std::string& text) {
  static const std::regex kTag("^<(/?)([A-Za-z][A-Za-z0-9]*)([^>]*?)(/?)>");
  const std::set<std::string> kVoid = {"meta", "br"};
  std::vector<std::string> open;
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    if (text.compare(at, 2, "<?") == 0 || text.compare(at, 2, "<!") == 0) continue;
    const std::string here = text.substr(at, text.find('>', at) - at + 1);
    std::smatch match;
    if (!std::regex_search(here, match, kTag)) return "no tag: " + here;
    const std::string name = match[2];
    if (match[1].length() > 0) {
      if (open.empty() || open.back() != name) return "closes what is not open: " + here;
      open.pop_back();
      continue;
    }
    if (const std::string complaint = attributes_complaint(match[3]); !complaint.empty())
      return complaint + " in " + here;
    if (match[4].length() == 0 && kVoid.count(name) == 0) open.push_back(name);
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

}  // namespace vetquant::test
