#include "vetquant/model/operator_schemas.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "operator_recipes.h"

namespace vetquant {

namespace {

class LazySchemas final : public onnx::ISchemaRegistry {
 public:
  LazySchemas() {
    for (const OperatorRecipe& recipe : operator_recipes()) slots_.push_back({recipe, nullptr});
    std::sort(slots_.begin(), slots_.end(), [](const Slot& a, const Slot& b) {
      return std::tie(a.recipe.name, a.recipe.since) < std::tie(b.recipe.name, b.recipe.since);
    });
  }

  // The latest schema that is not newer than `newest`; null where there is none.
  const onnx::OpSchema* GetSchema(const std::string& name, const int newest, const std::string& domain) const override {
    if (!domain.empty() || slots_.empty()) return of_onnx(name, newest, domain);
    const std::string_view key = name;
    const auto after = std::upper_bound(
        slots_.begin(), slots_.end(), std::tie(key, newest),
        [](const auto& wanted, const Slot& slot) { return wanted < std::tie(slot.recipe.name, slot.recipe.since); });
    if (after == slots_.begin() || std::prev(after)->recipe.name != key) return nullptr;
    Slot& slot = *std::prev(after);
    const std::lock_guard lock(mutex_);
    if (!slot.schema) {
      auto schema = std::make_unique<onnx::OpSchema>(slot.recipe.make());
      schema->Finalize();
      slot.schema = std::move(schema);
    }
    return slot.schema.get();
  }

 private:
  struct Slot {
    OperatorRecipe recipe;
    std::unique_ptr<const onnx::OpSchema> schema;
  };

  // A domain that ONNX does not know, such as com.microsoft, has no schemas: that is known without making any.
  static const onnx::OpSchema* of_onnx(const std::string& name, int newest, const std::string& domain) {
    const auto& known = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
    return known.contains(domain) ? onnx::OpSchemaRegistry::Schema(name, newest, domain) : nullptr;
  }

  mutable std::mutex mutex_;
  mutable std::vector<Slot> slots_;  // by name, then by opset
};

}  // namespace

const onnx::ISchemaRegistry& operator_schemas() {
  static const LazySchemas all;
  return all;
}

}  // namespace vetquant
