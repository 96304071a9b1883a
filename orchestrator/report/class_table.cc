#include "orchestrator/report/class_table.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "orchestrator/report/number_text.h"
#include "orchestrator/report/text_table.h"

namespace dml::report {

namespace {

constexpr const char* kFigures[] = {"precision", "recall", "f1", "support"};

std::optional<double> NumberOf(const std::string& name) {
  double value = 0.0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return std::nullopt;
  return value;
}

std::vector<std::string> InOrder(const Json& classes) {
  std::vector<std::string> names;
  bool numbers = true;
  for (const auto& [name, figures] : classes.items()) {
    names.push_back(name);
    numbers = numbers && NumberOf(name).has_value();
  }
  if (numbers) {
    std::ranges::stable_sort(names, {}, [](const std::string& name) { return *NumberOf(name); });
  }
  return names;
}

// A name is any text of the data, and a row is one line.
std::string OnOneLine(std::string name) {
  std::ranges::replace_if(
      name, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return name;
}

}  // namespace

std::string ClassTableText(const std::string& task, const Json& metrics, std::size_t width) {
  const auto classes = metrics.find("per_class");
  if (classes == metrics.end() || !classes->is_object() || classes->empty()) return "";
  std::vector<TextTable::Column> columns{{task + " by class"}};
  for (const char* figure : kFigures) columns.push_back({figure, Align::kRight});
  TextTable out(std::move(columns));
  for (const std::string& name : InOrder(*classes)) {
    const Json& figures = (*classes)[name];
    std::vector<std::string> cells{OnOneLine(name)};
    for (const char* figure : kFigures) {
      cells.push_back(CellText(figures.is_object() ? figures.value(figure, Json()) : Json()));
    }
    out.AddRow(std::move(cells));
  }
  return out.Render(width);
}

}  // namespace dml::report
