#include "vetquant/runtime/library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <vector>

#include "ort_api.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kOldestApi = 11;  // has every call that we make

ErrorCode code_of(OrtErrorCode code) {
  switch (code) {
    case ORT_NO_SUCHFILE:
      return ErrorCode::kIo;
    case ORT_INVALID_PROTOBUF:
    case ORT_NO_MODEL:
      return ErrorCode::kBadModel;
    default:
      return ErrorCode::kUnsupported;
  }
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  constexpr size_t kLimit = 600;
  return text.size() > kLimit ? text.substr(0, kLimit) + "..." : text;
}

// A folder stands for the library in it.
fs::path library_in(const fs::path& place) {
  std::error_code ignored;
  if (!fs::is_directory(place, ignored)) return place;
  const fs::path inner = place / "lib" / "libonnxruntime.so";
  return fs::exists(inner, ignored) ? inner : place / "libonnxruntime.so";
}

}  // namespace

void check_status(const OrtApi& ort, OrtStatus* status, const std::string& where) {
  if (status == nullptr) return;
  const OrtPtr<OrtStatus> owned(status, {ort.ReleaseStatus});
  throw Error(code_of(ort.GetErrorCode(status)), "ONNX Runtime says: " + one_line(ort.GetErrorMessage(status)), where);
}

fs::path find_runtime_library(const fs::path& wished) {
  std::error_code ignored;
  if (!wished.empty()) {
    fs::path found = library_in(wished);
    if (fs::exists(found, ignored)) return found;
    throw Error(ErrorCode::kUsage, "there is no ONNX Runtime library; name libonnxruntime.so or the folder it is in",
                found.string());
  }
  if (const char* named = std::getenv("VETQUANT_ONNXRUNTIME_LIB"); named != nullptr && *named != '\0') {
    fs::path found = library_in(named);
    if (fs::exists(found, ignored)) return found;
    throw Error(ErrorCode::kUsage, "there is no ONNX Runtime library here, but VETQUANT_ONNXRUNTIME_LIB says so",
                found.string());
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  const std::vector<fs::path> places = {program / ".." / "lib" / "vetquant" / "libonnxruntime.so",
                                        program / "lib" / "vetquant" / "libonnxruntime.so"};
  std::string tried;
  for (const fs::path& place : places) {
    if (fs::exists(place, ignored)) return place.lexically_normal();
    tried += (tried.empty() ? "" : ", ") + place.lexically_normal().string();
  }
  throw Error(ErrorCode::kUsage, "no ONNX Runtime library found (tried " + tried +
                                     "); name one with --runtime-lib or VETQUANT_ONNXRUNTIME_LIB");
}

RuntimeLibrary::RuntimeLibrary() = default;
RuntimeLibrary::~RuntimeLibrary() = default;

std::shared_ptr<const RuntimeLibrary> RuntimeLibrary::open(const fs::path& path) {
  // Some builds of ONNX Runtime note this device and its runs in $HOME and $TMPDIR as soon as their environment is made,
  // before DisableTelemetryEvents can be called.
  ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  // A bare name would be looked up on the loader's path instead of here.
  const fs::path whole = fs::absolute(path);
  // RTLD_LOCAL: its protobuf and ONNX symbols must not meet ours.
  void* handle = dlopen(whole.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = dlerror();
    throw Error(ErrorCode::kUsage, "cannot be loaded as ONNX Runtime: " + one_line(reason ? reason : "unknown reason"),
                whole.string());
  }
  using GetApiBase = const OrtApiBase* (*)();
  const auto get_base = reinterpret_cast<GetApiBase>(dlsym(handle, "OrtGetApiBase"));
  if (get_base == nullptr)
    throw Error(ErrorCode::kUsage, "is not ONNX Runtime: it has no OrtGetApiBase", whole.string());
  const OrtApiBase* base = get_base();
  std::shared_ptr<RuntimeLibrary> library(new RuntimeLibrary());
  library->path_ = whole;
  library->version_ = base->GetVersionString();
  library->api_ = std::make_unique<Api>();
  for (uint32_t version = ORT_API_VERSION; version >= kOldestApi && library->api_->ort == nullptr; --version) {
    library->api_->ort = base->GetApi(version);
    library->api_->version = version;
  }
  if (library->api_->ort == nullptr) {
    throw Error(ErrorCode::kUsage, "ONNX Runtime " + library->version_ + " is too old; 1.11 is the least",
                whole.string());
  }
  const OrtApi& ort = *library->api_->ort;
  check_status(ort, ort.CreateEnv(ORT_LOGGING_LEVEL_ERROR, "vetquant", &library->api_->environment), whole.string());
  if (OrtStatus* status = ort.DisableTelemetryEvents(library->api_->environment)) ort.ReleaseStatus(status);
  return library;
}

}  // namespace vetquant
