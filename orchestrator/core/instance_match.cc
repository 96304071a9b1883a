#include "orchestrator/core/instance_match.h"

#include <algorithm>
#include <cctype>
#include <unordered_set>

namespace dml::core {

namespace {

using Values = std::vector<std::string_view>;

// To match a large matrix takes no longer than to hold each of its tasks against so many.
constexpr std::size_t kComparedMax = 128;

// Whether `text` begins with the name of an axis and '='.
bool BeginsWithAxis(std::string_view text) {
  const auto end = std::ranges::find_if(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-';
  });
  return end != text.begin() && end != text.end() && *end == '=';
}

// "train@C=0.1,layers=[1,2]" -> "C=0.1", "layers=[1,2]": a comma may be part of a value.
Values ValuesOf(std::string_view task) {
  Values values;
  const std::size_t at = task.find('@');
  if (at == task.npos) return values;
  std::size_t start = at + 1;
  for (std::size_t comma = task.find(',', start); comma != task.npos;
       comma = task.find(',', comma + 1)) {
    if (!BeginsWithAxis(task.substr(comma + 1))) continue;
    values.push_back(task.substr(start, comma - start));
    start = comma + 1;
  }
  values.push_back(task.substr(start));
  return values;
}

std::size_t CountShared(const Values& one, const Values& other) {
  return static_cast<std::size_t>(std::ranges::count_if(
      one, [&](std::string_view value) { return std::ranges::find(other, value) != other.end(); }));
}

struct OldInstance {
  std::string_view name;
  Values values;
  bool gone = false;
  bool taken = false;
};

// Those that are gone first: of two that are as near, one of them was replaced.
std::vector<OldInstance> OldInstances(const std::vector<std::string>& before,
                                      const std::unordered_set<std::string_view>& today) {
  std::vector<OldInstance> old;
  for (const bool gone : {true, false}) {
    for (const std::string& name : before) {
      if (today.contains(name) == gone || old.size() == kComparedMax) continue;
      old.push_back({name, ValuesOf(name), gone});
    }
  }
  return old;
}

OldInstance* Nearest(std::vector<OldInstance>& old, const Values& values) {
  OldInstance* nearest = nullptr;
  std::size_t most = 0;
  for (OldInstance& one : old) {
    if (one.taken) continue;
    const std::size_t shared = CountShared(one.values, values);
    if (nearest != nullptr && shared <= most) continue;
    nearest = &one;
    most = shared;
  }
  if (nearest != nullptr) nearest->taken = nearest->gone && most < nearest->values.size();
  return nearest;
}

std::string Fresh(std::string_view task, const Values& values,
                  const std::unordered_set<std::string_view>& known) {
  std::string fresh;
  for (const std::string_view value : values) {
    if (!known.contains(value)) fresh.append(fresh.empty() ? "" : ",").append(value);
  }
  if (!fresh.empty()) return fresh;
  const std::size_t step = StepOf(task).size();
  return std::string(task.substr(values.empty() ? step : std::min(step + 1, task.size())));
}

}  // namespace

std::string_view StepOf(std::string_view task) { return task.substr(0, task.find_first_of("@[")); }

std::map<std::string, Kin> MatchInstances(const std::vector<std::string>& before,
                                          const std::vector<std::string>& now) {
  const std::unordered_set<std::string_view> today(now.begin(), now.end());
  const std::unordered_set<std::string_view> earlier(before.begin(), before.end());
  std::vector<OldInstance> old = OldInstances(before, today);
  std::unordered_set<std::string_view> known;
  for (const std::string& name : before) {
    for (const std::string_view value : ValuesOf(name)) known.insert(value);
  }
  std::map<std::string, Kin> kin;
  for (const std::string& name : now) {
    if (before.empty() || earlier.contains(name)) continue;
    const Values values = ValuesOf(name);
    const OldInstance* const nearest = Nearest(old, values);
    kin[name] = {nearest == nullptr ? before.front() : std::string(nearest->name),
                 nearest != nullptr && nearest->gone, Fresh(name, values, known)};
  }
  return kin;
}

}  // namespace dml::core
