// A judgement of speech models with everything that a report can show, and names that try to break it.
#pragma once

#include "vetquant/report/read_report.h"

namespace vetquant::test {

inline constexpr const char* kHostileName = "<script>alert(\"1\")</script>'|`@team\x1b[31m\xff\xe2\x80\xae.onnx";

// Model 0 is the baseline, 1 has everything, 2 failed. Two gates of model 1: one failed, one passed.
ReportData sample_report();

}  // namespace vetquant::test
