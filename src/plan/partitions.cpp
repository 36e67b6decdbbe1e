#include "partitions.h"

#include <deque>
#include <set>

namespace vetquant::plan {

std::vector<UnitGroup> unit_groups(const UnitGraph& graph) {
  std::vector<UnitGroup> groups;
  std::vector<size_t> waiting_for = graph.inputs;
  std::deque<size_t> ready, next;
  for (size_t unit = 0; unit < waiting_for.size(); ++unit) {
    if (waiting_for[unit] == 0) ready.push_back(unit);
  }
  UnitGroup group;
  std::set<size_t> border;
  while (!ready.empty() || !next.empty()) {
    if (ready.empty()) {  // all that can be reached without crossing the border is in the group
      if (!group.units.empty()) {
        group.border.assign(next.begin(), next.end());
        groups.push_back(std::move(group));
      }
      group = {};
      border.clear();
      ready.swap(next);
      continue;
    }
    const size_t unit = ready.front();
    ready.pop_front();
    const bool taken = graph.taken[unit] != 0;
    if (!taken && border.contains(unit)) {
      next.push_back(unit);
      continue;
    }
    if (taken) {
      group.units.push_back(unit);
      border.erase(unit);
    }
    for (const size_t reader : graph.readers[unit]) {
      if (taken) border.insert(reader);
      if (--waiting_for[reader] == 0) ready.push_back(reader);
    }
  }
  if (!group.units.empty()) groups.push_back(std::move(group));
  return groups;
}

}  // namespace vetquant::plan
