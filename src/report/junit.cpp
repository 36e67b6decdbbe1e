#include "figures.h"
#include "markup.h"
#include "vetquant/core/error.h"
#include "vetquant/report/render.h"

namespace vetquant {
namespace {

struct Counts {
  size_t tests = 0, failures = 0, errors = 0;
};

// Dots divide packages and classes: of a name they would make a tree of their own.
std::string class_name(const Judgement& judgement, const ModelResult& model) {
  std::string name = model.name;
  for (char& c : name) c = c == '.' ? '_' : c;
  return escaped("vetquant." + judgement.set_name + "." + name);
}

std::string case_text(const std::string& class_name, const std::string& name, const std::string& inside) {
  return "    <testcase classname=\"" + class_name + "\" name=\"" + escaped(name) + "\" time=\"0\"" +
         (inside.empty() ? "/>\n" : ">\n" + inside + "    </testcase>\n");
}

std::string complaint(const std::string& element, const std::string& type, const std::string& message) {
  return "      <" + element + " type=\"" + type + "\" message=\"" + escaped(message) + "\">" + escaped(message) +
         "</" + element + ">\n";
}

std::string properties(const Judgement& judgement) {
  const auto one = [](const char* name, const std::string& value) {
    return std::string("      <property name=\"") + name + "\" value=\"" + escaped(value) + "\"/>\n";
  };
  return "    <properties>\n" + one("test_set.digest", judgement.set_digest) +
         one("samples", std::to_string(judgement.samples)) +
         one("runtime", "ONNX Runtime " + judgement.runtime_version) + one("session", judgement.session) +
         "    </properties>\n";
}

}  // namespace

std::string report_junit(const ReportData& data) {
  if (!data.judgement)
    throw Error(ErrorCode::kUsage, "JUnit needs a report of vetquant eval: there are no gates in this one");
  const Judgement& judgement = *data.judgement;
  Counts counts;
  std::string cases;
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const ModelResult& model = judgement.models[m];
    const std::string group = class_name(judgement, model);
    ++counts.tests;
    if (!model.failure.empty()) ++counts.errors;
    cases +=
        case_text(group, "is judged", model.failure.empty() ? "" : complaint("error", "vetquant.model", model.failure));
    for (const GateResult& gate : data.gates) {
      if (gate.model != m) continue;
      ++counts.tests;
      if (!gate.passed) ++counts.failures;
      cases += case_text(group, gate.gate.text, gate.passed ? "" : complaint("failure", "vetquant.gate", gate.reason));
    }
  }
  const std::string numbers = "tests=\"" + std::to_string(counts.tests) + "\" failures=\"" +
                              std::to_string(counts.failures) + "\" errors=\"" + std::to_string(counts.errors) + "\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + numbers + ">\n  <testsuite name=\"" +
         escaped("vetquant " + judgement.set_name) + "\" " + numbers + " skipped=\"0\" time=\"0\">\n" +
         properties(judgement) + cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace vetquant
