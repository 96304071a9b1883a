#include "cli/hooks/shown_url.h"

#include <algorithm>

namespace dml::cli {

namespace {

// The same text in which references look like nothing that has a meaning in an address.
std::string WithReferencesMasked(std::string_view url) {
  std::string masked(url);
  for (std::size_t at = masked.find("${"); at != std::string::npos; at = masked.find("${", at)) {
    const std::size_t end = std::min(masked.find('}', at), masked.size() - 1);
    std::fill(masked.begin() + static_cast<std::ptrdiff_t>(at),
              masked.begin() + static_cast<std::ptrdiff_t>(end) + 1, 'x');
  }
  return masked;
}

}  // namespace

std::string ShownUrl(std::string_view url) {
  const std::string masked = WithReferencesMasked(url);
  const std::size_t scheme = masked.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t query = std::min(masked.find_first_of("?#", begin), masked.size());
  const std::size_t path = std::min(masked.find('/', begin), query);
  const std::size_t user = masked.substr(begin, path - begin).rfind('@');
  std::string shown(url.substr(0, begin));
  const std::size_t host = user == std::string::npos ? begin : begin + user;
  if (host > begin) shown += "...";
  shown += url.substr(host, query - host);
  if (query < masked.size()) shown += std::string(1, masked[query]) + "...";
  return shown;
}

}  // namespace dml::cli
