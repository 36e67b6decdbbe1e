// JUnit XML of any list of checks, in the shape of Maven Surefire, which Jenkins, GitLab and GitHub's actions read.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vetquant {

// kError: it could not be tried; kSkipped: nobody tried it.
enum class CaseOutcome { kPassed, kFailure, kError, kSkipped };

struct TestCase {
  std::string group;  // "vetquant.set.model": dots make a tree, so names in it have none (junit_name)
  std::string name;
  CaseOutcome outcome = CaseOutcome::kPassed;
  std::string type, message;  // where it did not pass: "vetquant.gate", why
};

struct TestSuite {
  std::string name;
  std::vector<std::pair<std::string, std::string>> properties;
  std::vector<TestCase> cases;
};

std::string junit_name(std::string name);  // without dots
std::string junit_document(const TestSuite& suite);

}  // namespace vetquant
