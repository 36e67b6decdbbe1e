#include "vetquant/pipeline/manifest_reports.h"

#include "vetquant/core/text.h"
#include "vetquant/report/junit.h"
#include "vetquant/report/markup.h"

namespace vetquant {
namespace {

const JudgedRecord* judged_of(const PartRecord& part) {
  return part.built && part.built->judged ? &*part.built->judged : nullptr;
}

TestCase budget_case(const Manifest& manifest, uint64_t limit) {
  TestCase test{"vetquant." + junit_name(manifest.system_name),
                "bytes<=" + std::to_string(limit),
                CaseOutcome::kPassed,
                "vetquant.budget",
                {}};
  if (manifest.bytes() <= limit) return test;
  test.outcome = CaseOutcome::kFailure;
  test.message =
      "the system takes " + std::to_string(manifest.bytes()) + " bytes, its budget is " + std::to_string(limit);
  return test;
}

void add_part(const PartRecord& part, const std::string& group, std::vector<TestCase>& cases) {
  const JudgedRecord* judged = judged_of(part);
  if (judged == nullptr) {
    const std::string why = part.built ? "it has no test set" : "it was not built";
    cases.push_back({group, "is judged", CaseOutcome::kSkipped, "vetquant.part", why});
    return;
  }
  const auto outcome = judged->failure.empty() ? CaseOutcome::kPassed : CaseOutcome::kError;
  cases.push_back({group, "is judged", outcome, "vetquant.part", judged->failure});
  for (const GateRecord& gate : judged->gates) {
    const auto said = gate.passed ? CaseOutcome::kPassed : CaseOutcome::kFailure;
    cases.push_back({group, gate.gate, said, "vetquant.gate", gate.reason});
  }
}

std::string size_cells(uint64_t before, uint64_t after) {
  const std::string share = before > 0 ? percent(static_cast<double>(after) / static_cast<double>(before)) : "";
  return human_bytes(before) + " | " + human_bytes(after) + " | " + share + " | ";
}

std::string gates_cell(const PartRecord& part) {
  const JudgedRecord* judged = judged_of(part);
  if (judged == nullptr) return part.built ? "no test set" : "not built";
  if (!judged->failure.empty()) return "**could not be judged**";
  size_t passed = 0;
  for (const GateRecord& gate : judged->gates) passed += gate.passed ? 1 : 0;
  const std::string quick = judged->quick ? ", quick: " + counted(judged->samples, "sample") : "";
  return std::to_string(passed) + " of " + counted(judged->gates.size(), "gate") + " passed" + quick;
}

std::string troubles(const Manifest& manifest) {
  std::string text;
  for (const PartRecord& part : manifest.parts) {
    const JudgedRecord* judged = judged_of(part);
    if (judged == nullptr) continue;
    if (!judged->failure.empty())
      text += "- " + markdown_code(part.name) + " could not be judged: " + markdown_text(judged->failure) + "\n";
    for (const GateRecord& gate : judged->gates) {
      if (!gate.passed)
        text += "- gate " + markdown_code(gate.gate) + " of " + markdown_code(part.name) + ": " +
                markdown_text(gate.reason) + "\n";
    }
  }
  return text.empty() ? text : "\n" + text;
}

}  // namespace

std::string manifest_junit(const Manifest& manifest) {
  TestSuite suite{"vetquant " + manifest.system_name,
                  {{"system.digest", manifest.system_digest},
                   {"vetquant", manifest.vetquant},
                   {"bytes", std::to_string(manifest.bytes())},
                   {"float_bytes", std::to_string(manifest.float_bytes())}},
                  {}};
  if (const auto limit = manifest.limit_bytes()) suite.cases.push_back(budget_case(manifest, *limit));
  for (const PartRecord& part : manifest.parts)
    add_part(part, "vetquant." + junit_name(manifest.system_name) + "." + junit_name(part.name), suite.cases);
  return junit_document(suite);
}

std::string manifest_markdown(const Manifest& manifest) {
  const std::string sign = manifest.verdict == Verdict::kPassed       ? "✅ "
                           : manifest.verdict == Verdict::kUnfinished ? ""
                                                                      : "❌ ";
  std::string text = "### " + sign + "vetquant " + markdown_code(manifest.system_name) + ": " +
                     markdown_text(manifest.words) +
                     "\n\n| part | float | built | share | gates |\n|---|---:|---:|---:|---|\n";
  for (const PartRecord& part : manifest.parts) {
    text += "| " + markdown_code(part.name) + " | " + size_cells(part.float_bytes(), part.bytes()) + gates_cell(part) +
            " |\n";
  }
  const auto limit = manifest.limit_bytes();
  text += "| all | " + size_cells(manifest.float_bytes(), manifest.bytes()) +
          (limit ? "at most " + human_bytes(*limit) : std::string("no budget")) + " |\n";
  return text + troubles(manifest);
}

}  // namespace vetquant
