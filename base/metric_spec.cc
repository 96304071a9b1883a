#include "base/metric_spec.h"

#include <algorithm>

namespace dml {

namespace {

// Whether the star-free parts of `pattern` occur in `text` in their order, the first at its
// beginning and the last at its end, with something in the place of each star.
bool Matches(std::string_view pattern, std::string_view text) {
  const std::size_t first = pattern.find('*');
  if (first == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, first))) return false;
  text.remove_prefix(first);
  pattern.remove_prefix(first + 1);
  while (true) {
    if (text.empty()) return false;
    const std::size_t next = pattern.find('*');
    const std::string_view part = pattern.substr(0, next);
    if (next == std::string_view::npos) return text.size() > part.size() && text.ends_with(part);
    const std::size_t at = text.find(part, 1);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + part.size());
    pattern.remove_prefix(next + 1);
  }
}

// The part before the first dot, which is taken off.
std::string_view TakePart(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find('.'));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

// Whether `path` is the beginning of the pattern, part by part. Here a star holds no dot: otherwise
// everything would be a mapping under "per_class.*".
bool IsMappingOf(std::string_view pattern, std::string_view path) {
  if (path.empty() || path.ends_with('.')) return false;
  while (!path.empty()) {
    if (!Matches(TakePart(pattern), TakePart(path))) return false;
  }
  return !pattern.empty();
}

}  // namespace

bool NamesMetric(std::string_view pattern, std::string_view path) {
  return Matches(pattern, path) || IsMappingOf(pattern, path);
}

bool MayReport(const MetricSpec& metric, const Json& params) {
  if (metric.needs.empty()) return true;
  const auto needed = params.find(metric.needs);
  return needed != params.end() && *needed != Json(false);
}

}  // namespace dml
