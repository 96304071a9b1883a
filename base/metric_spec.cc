#include "base/metric_spec.h"

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

}  // namespace

bool NamesMetric(std::string_view pattern, std::string_view path) {
  if (Matches(pattern, path)) return true;
  for (std::size_t dot = pattern.find('.'); dot != std::string_view::npos;
       dot = pattern.find('.', dot + 1)) {
    if (Matches(pattern.substr(0, dot), path)) return true;
  }
  return false;
}

bool MayReport(const MetricSpec& metric, const Json& params) {
  if (metric.needs.empty()) return true;
  const auto needed = params.find(metric.needs);
  return needed != params.end() && *needed != Json(false);
}

}  // namespace dml
