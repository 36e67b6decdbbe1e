#include "vetquant/eval/array_file.h"

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "zip.h"

namespace vetquant {

std::vector<NamedTensor> read_arrays(const std::filesystem::path& path) {
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  std::vector<NamedTensor> arrays;
  if (path.extension() == ".npy") {
    std::vector<std::byte> bytes(file->size_bytes());
    file->read(0, bytes);
    arrays.push_back({path.stem().string(), parse_npy(std::move(bytes), path.string())});
  } else if (path.extension() == ".npz") {
    const ZipReader zip(file);
    for (const ZipMember& member : zip.members()) {
      std::string name = member.name;
      if (name.ends_with(".npy")) name.resize(name.size() - 4);
      arrays.push_back({name, parse_npy(zip.read(member), path.string() + "#" + printable(name))});
    }
  } else {
    throw Error(ErrorCode::kUsage, "is not a .npy or .npz file", path.string());
  }
  return arrays;
}

HostTensor read_array(const std::filesystem::path& folder, const std::string& reference) {
  const size_t mark = reference.rfind('#');
  const std::string wanted = mark == std::string::npos ? "" : reference.substr(mark + 1);
  const auto path = folder / reference.substr(0, mark);
  auto arrays = read_arrays(path);
  if (mark == std::string::npos && arrays.size() == 1) return std::move(arrays[0].tensor);
  std::vector<std::string> names;
  for (auto& array : arrays) {
    if (array.name == wanted) return std::move(array.tensor);
    names.push_back(array.name);
  }
  if (mark == std::string::npos) {
    throw Error(ErrorCode::kUsage,
                "holds " + std::to_string(arrays.size()) + " arrays; name one: " + path.filename().string() + "#" +
                    (names.empty() ? "NAME" : printable(names[0])),
                path.string());
  }
  const std::string near = nearest_word(wanted, names);
  throw Error(ErrorCode::kUsage,
              "has no array '" + printable(wanted) + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"),
              path.string());
}

}  // namespace vetquant
