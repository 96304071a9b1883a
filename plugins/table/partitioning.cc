#include <fmt/format.h>

#include <charconv>

#include "base/quantity.h"
#include "plugins/table/load.h"

namespace dml::table {

Result<Partitioning> Partitioning::Parse(const std::string& text) {
  if (text == "auto") return Partitioning{};
  std::int64_t count = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (status == std::errc() && end == text.data() + text.size()) {
    if (count >= 1 && count <= static_cast<std::int64_t>(kPartitionsMax)) {
      return Partitioning{Kind::kCount, count};
    }
    return Error::Invalid(
        fmt::format("the number of partitions is {}, outside 1 to {}", count, kPartitionsMax));
  }
  const auto size = ParseSize(text);
  if (size.ok() && *size > 0) return Partitioning{Kind::kBytes, *size};
  return Error::Invalid(fmt::format("'{}' is no partitioning", text),
                        "write auto, a number of partitions, or a size such as 64Mi");
}

Result<void> CheckPartitionCount(std::uint64_t count, const std::string& remedy) {
  if (count <= kPartitionsMax) return {};
  return Error::Invalid(
      fmt::format("the table would have {} partitions, and {} is the most", count, kPartitionsMax),
      remedy);
}

}  // namespace dml::table
