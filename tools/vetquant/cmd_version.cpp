// vetquant version: what this program is made of, and the ONNX Runtime it would judge with.
#include <google/protobuf/stubs/common.h>
#include <onnx/common/version.h>

#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/pipeline/pipeline.h"
#include "vetquant/runtime/library.h"

namespace vetquant::cli {

Run add_version(CLI::App& app, const Globals& globals) {
  app.add_subcommand("version", "Show the versions of vetquant, its libraries and the ONNX Runtime it finds");
  return [&globals] {
    const std::string protobuf = google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION);
    nlohmann::ordered_json runtime = nullptr;
    std::string runtime_text;
    try {
      const auto library = RuntimeLibrary::open(find_runtime_library());
      runtime = {{"version", library->version()}, {"path", library->path().string()}};
      runtime_text = library->version() + "  " + library->path().string();
    } catch (const Error& error) {
      runtime_text = std::string("none: ") + error.what();  // not a failure: only judging needs it
    }
    answer(globals,
           {{"schema", "vetquant.version/1"},
            {"vetquant", kVersion},
            {"onnx", ONNX_NAMESPACE::LAST_RELEASE_VERSION},
            {"protobuf", protobuf},
            {"onnxruntime", runtime}},
           std::string("vetquant      ") + kVersion + "\nONNX          " + ONNX_NAMESPACE::LAST_RELEASE_VERSION +
               "\nprotobuf      " + protobuf + "\nONNX Runtime  " + runtime_text + "\n");
    return 0;
  };
}

}  // namespace vetquant::cli
