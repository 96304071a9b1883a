#include "orchestrator/engine/absent_metric.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "base/suggest.h"

namespace dml::engine {

namespace {

// "cv.roc_auc" for every number or text in nested objects.
void CollectPaths(const Json& metrics, const std::string& prefix, std::vector<std::string>& paths) {
  if (!metrics.is_object()) return;
  for (const auto& [name, value] : metrics.items()) {
    if (value.is_object()) {
      CollectPaths(value, prefix + name + ".", paths);
    } else if (!value.is_null()) {
      paths.push_back(prefix + name);
    }
  }
}

// One of the same name in another place: `roc_auc` for `cv.roc_auc`.
std::string SameLeaf(const std::string& path, const std::vector<std::string>& paths) {
  const auto leaf = [](const std::string& of) { return of.substr(of.find_last_of('.') + 1); };
  const auto found = std::ranges::find(paths, leaf(path), leaf);
  return found == paths.end() ? std::string() : "did you mean '" + *found + "'?";
}

std::string HintFor(const std::string& path, const Json& metrics) {
  std::vector<std::string> paths;
  CollectPaths(metrics, "", paths);
  if (paths.empty()) return "it reported none";
  if (std::string hint = SameLeaf(path, paths); !hint.empty()) return hint;
  if (std::string hint = DidYouMean(path, paths); !hint.empty()) return hint;
  constexpr std::size_t kShownMax = 12;
  std::ranges::stable_sort(paths, {},
                           [](const std::string& of) { return std::ranges::count(of, '.'); });
  const std::span<const std::string> shown(paths.data(), std::min(paths.size(), kShownMax));
  return fmt::format("it reported {}{}", fmt::join(shown, ", "),
                     paths.size() > kShownMax ? ", and more: see 'dml metrics'" : "");
}

}  // namespace

Error AbsentMetric(const pipelines::MetricReference& reference,
                   const std::optional<state::TaskResult>& result) {
  if (!result) {
    return Error::Invalid(fmt::format("step '{}' did not run, so there is no metric '{}'",
                                      reference.step, reference.path),
                          "ask for success() first, or compare with null");
  }
  return Error::Invalid(
      fmt::format("step '{}' reported no metric '{}'", reference.step, reference.path),
      HintFor(reference.path, result->metrics));
}

}  // namespace dml::engine
