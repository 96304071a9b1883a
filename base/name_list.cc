#include "base/name_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>

namespace dml {

namespace {

constexpr std::size_t kFirst = 10;
constexpr std::size_t kLast = 2;

}  // namespace

std::string NameList(const std::vector<std::string>& names) {
  // One name takes no more room than saying that one is left out.
  if (names.size() <= kFirst + kLast + 1) return fmt::format("{}", fmt::join(names, ", "));
  const std::span<const std::string> all(names);
  return fmt::format("{}, {} more, {}", fmt::join(all.first(kFirst), ", "),
                     names.size() - kFirst - kLast, fmt::join(all.last(kLast), ", "));
}

}  // namespace dml
