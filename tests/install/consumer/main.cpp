// Somebody else's program: loads a model that is not there, and is told so by the library's one exception.
#include <iostream>

#include "vetquant/core/error.h"
#include "vetquant/model/model.h"

int main() {
  try {
    vetquant::Model::load("/nowhere/model.onnx");
  } catch (const vetquant::Error& error) {
    std::cout << "consumer: " << error.what() << '\n';
    return error.code() == vetquant::ErrorCode::kIo ? 0 : 1;
  }
  return 1;
}
