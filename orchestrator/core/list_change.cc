#include "orchestrator/core/list_change.h"

#include <algorithm>
#include <map>

namespace dml::core {

ListChange CompareLists(const std::vector<std::string>& before,
                        const std::vector<std::string>& after) {
  ListChange change;
  change.before = before.size();
  const std::size_t shared = std::min(before.size(), after.size());
  // What kept its position first: of equal ones, these are the same.
  std::map<std::string, std::size_t> elsewhere;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (i >= shared || before[i] != after[i]) ++elsewhere[before[i]];
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (i < shared && before[i] == after[i]) continue;
    const auto old = elsewhere.find(after[i]);
    if (old == elsewhere.end()) {
      change.fresh.push_back(i);
      continue;
    }
    change.moved = true;
    if (--old->second == 0) elsewhere.erase(old);
  }
  for (const auto& [text, count] : elsewhere) change.gone.insert(change.gone.end(), count, text);
  return change;
}

}  // namespace dml::core
