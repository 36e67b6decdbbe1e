// `task: tensors`: inputs from arrays, sound, constants or seeded random numbers.
#include "set_parts.h"
#include "sha256.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/text.h"
#include "vetquant/eval/array_file.h"

namespace vetquant {
namespace {

constexpr int64_t kLargest = int64_t{1} << 40;

std::optional<std::vector<int64_t>> shape_in(const TestSetMap& entry) {
  if (!entry.has("shape")) return std::nullopt;
  return entry.integers("shape");
}

std::shared_ptr<InputSource> read_sound_input(const TestSetMap& entry, const std::filesystem::path& folder) {
  entry.allow_only({"sound", "sample_rate", "window", "hop", "lead"});
  std::vector<std::filesystem::path> files;
  for (const std::string& name : entry.texts("sound")) files.push_back(folder / name);
  SoundWindows windows;
  windows.window = static_cast<size_t>(entry.integer_or("window", 0, 0, kLargest));
  windows.hop = static_cast<size_t>(entry.integer_or("hop", static_cast<int64_t>(windows.window), 1, kLargest));
  windows.lead = static_cast<size_t>(entry.integer_or("lead", 0, 0, kLargest));
  return make_sound_source(std::move(files), static_cast<int>(entry.integer_or("sample_rate", 0, 1, 1'000'000)),
                           windows);
}

std::shared_ptr<InputSource> read_random_input(const TestSetMap& entry, const std::string& name, const TestSet& set) {
  entry.allow_only({"random", "seed", "deviation", "below", "shape"});
  const std::string kind = entry.text("random");
  if (kind != "normal" && kind != "integers")
    entry.fail("random", "'random' is normal (floats) or integers (with 'below')");
  RandomValues values;
  values.seed = static_cast<uint64_t>(entry.integer_or("seed", static_cast<int64_t>(set.random.seed), 0, INT64_MAX));
  values.stream = random_stream_of(name);
  values.deviation = entry.number_or("deviation", 1);
  values.below = static_cast<uint64_t>(entry.integer_or("below", static_cast<int64_t>(set.random.below), 1, INT64_MAX));
  values.shape = shape_in(entry);
  values.dims = set.random.dims;
  return make_random_source(values);
}

void read_random(const TestSetMap& map, TestSet& set) {
  if (!map.has("random")) return;
  const TestSetMap random = map.map("random");
  random.allow_only({"seed", "samples", "below", "dims"});
  set.random.allowed = true;
  set.random.seed = static_cast<uint64_t>(random.integer_or("seed", 1, 0, INT64_MAX));
  set.random.samples = static_cast<size_t>(random.integer_or("samples", 16, 1, 1'000'000));
  set.random.below = static_cast<uint64_t>(random.integer_or("below", 10, 1, INT64_MAX));
  if (!random.has("dims")) return;
  const TestSetMap dims = random.map("dims");
  for (const std::string& name : dims.keys()) set.random.dims[name] = dims.integer(name.c_str(), 0, kLargest);
}

}  // namespace

std::shared_ptr<InputSource> read_input(const TestSetMap& inputs, const std::string& name,
                                        const std::filesystem::path& folder, const TestSet& set) {
  const char* key = name.c_str();
  if (!inputs.is_map(key)) {
    const std::string reference = inputs.text(key);
    return make_array_source(read_array(folder, reference), (folder / reference).string());
  }
  const TestSetMap entry = inputs.map(key);
  if (entry.has("sound")) return read_sound_input(entry, folder);
  if (entry.has("random")) return read_random_input(entry, name, set);
  if (entry.has("value")) {
    entry.allow_only({"value", "shape"});
    return make_constant_source(entry.number_or("value", 0), shape_in(entry), set.random.dims);
  }
  if (entry.has("array")) {
    entry.allow_only({"array"});
    const std::string reference = entry.text("array");
    return make_array_source(read_array(folder, reference), (folder / reference).string());
  }
  inputs.fail(key, "input '" + name + "' needs one of 'array', 'sound', 'value' or 'random'");
}

void read_tensors(const TestSetMap& map, const std::filesystem::path& folder, TestSet& set) {
  map.allow_only({"version", "task", "name", "license", "files", "inputs", "state", "random", "outputs", "thresholds",
                  "clusters"});
  read_random(map, set);
  check_digests(map, folder);
  if (map.has("inputs")) {
    const TestSetMap inputs = map.map("inputs");
    for (const std::string& name : inputs.keys()) set.inputs[name] = read_input(inputs, name, folder, set);
  } else if (!set.random.allowed) {
    map.fail("inputs",
             "gives no input: name them in 'inputs', or allow seeded random ones by 'random: {seed: 1, samples: 16}'");
  }
  if (map.has("state")) {
    const TestSetMap state = map.map("state");
    for (const std::string& output : state.keys()) set.state.push_back({output, state.text(output.c_str())});
  }
  set.outputs = map.texts("outputs");
  if (map.has("thresholds")) {
    const TestSetMap thresholds = map.map("thresholds");
    for (const std::string& output : thresholds.keys())
      set.thresholds[output] = thresholds.number_or(output.c_str(), 0.5);
  }
  number_clusters(map.texts("clusters"), set);
}

void check_digest(const TestSetMap& map, const char* key, const std::string& digest,
                  const std::filesystem::path& file) {
  const size_t colon = digest.find(':');
  const std::string kind = digest.substr(0, colon == std::string::npos ? 0 : colon),
                    wanted = digest.substr(kind.empty() ? 0 : colon + 1);
  const auto opened = ReadFile::open(file, ErrorCode::kUsage);
  std::string found;
  if (kind == "sha256") {
    found = sha256_of(*opened);
  } else if (kind == "xxh3" || kind == "xxh128") {
    found = digest_of(*opened);
  } else {
    map.fail(key, "a digest is written xxh3:<32 digits> (as 'xxhsum -H2' prints) or sha256:<64 digits>");
  }
  if (found != wanted) {
    throw Error(
        ErrorCode::kUsage,
        "is not the file that the test set was made with: its " + kind + " is " + found + ", not " + printable(wanted),
        file.string());
  }
}

void check_digests(const TestSetMap& map, const std::filesystem::path& folder) {
  if (!map.has("files")) return;
  const TestSetMap files = map.map("files");
  for (const std::string& name : files.keys())
    check_digest(files, name.c_str(), files.text(name.c_str()), folder / name);
}

}  // namespace vetquant
