// Paths that users write may begin elsewhere on each machine: "${VETQUANT_MODELS}/whisper/encoder_model.onnx".
#pragma once

#include <string>

namespace vetquant {

// Each ${NAME} replaced by the environment's value; any other $ stands for itself. Error{kUsage} where a variable is not
// set, or empty, or a "${" has no end.
std::string with_variables(const std::string& text);

}  // namespace vetquant
