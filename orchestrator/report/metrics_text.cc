#include "orchestrator/report/metrics_text.h"

#include <algorithm>
#include <limits>

#include "orchestrator/report/class_table.h"
#include "orchestrator/report/number_text.h"
#include "orchestrator/report/text_table.h"

namespace dml::report {

namespace {

constexpr std::size_t kComfortable = 120;  // a wider table is hard to read on any screen

std::string ValueText(const std::optional<double>& value) {
  return value ? NumberText(*value) : "-";
}

std::string CellOf(const MetricsTable::Row& row, std::size_t metric) {
  const auto text = row.texts.find(metric);
  return text == row.texts.end() ? ValueText(row.values[metric]) : text->second;
}

// As wide as it has to be: a name that is cut could be any of several.
std::string Whole(const TextTable& table) {
  return table.Render(std::numeric_limits<std::size_t>::max());
}

std::size_t WidthOf(const std::string& text) {
  std::size_t widest = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    widest = std::max(widest, DisplayWidth(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return widest;
}

// A row a task, with `count` metrics from `first` on.
std::string Wide(const MetricsTable& table, std::size_t first, std::size_t count) {
  std::vector<TextTable::Column> columns{{table.title}};
  for (std::size_t m = first; m < first + count; ++m) {
    columns.push_back({table.metrics[m], Align::kRight});
  }
  TextTable out(std::move(columns));
  for (const MetricsTable::Row& row : table.rows) {
    std::vector<std::string> cells{row.task};
    for (std::size_t m = first; m < first + count; ++m) cells.push_back(CellOf(row, m));
    out.AddRow(std::move(cells));
  }
  return Whole(out);
}

// The wide table in pieces below each other, each with as many metrics as fit, and one at least.
std::string InPieces(const MetricsTable& table, std::size_t width) {
  std::string out;
  for (std::size_t first = 0; first < table.metrics.size();) {
    std::size_t count = 1;
    std::string piece = Wide(table, first, count);
    while (first + count < table.metrics.size()) {
      std::string wider = Wide(table, first, count + 1);
      if (WidthOf(wider) > width) break;
      piece = std::move(wider);
      ++count;
    }
    if (first > 0) out += '\n';
    out += piece;
    first += count;
  }
  return out;
}

// A row a metric.
std::string Tall(const MetricsTable& table) {
  std::vector<TextTable::Column> columns{{table.title}};
  for (const MetricsTable::Row& row : table.rows) columns.push_back({row.task, Align::kRight});
  if (table.rows.size() == 1 && table.rows[0].task == table.title) columns.back().heading = "";
  TextTable out(std::move(columns));
  for (std::size_t m = 0; m < table.metrics.size(); ++m) {
    std::vector<std::string> cells{table.metrics[m]};
    for (const MetricsTable::Row& row : table.rows) cells.push_back(CellOf(row, m));
    out.AddRow(std::move(cells));
  }
  return Whole(out);
}

Json Number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

}  // namespace

std::string MetricsTableText(const MetricsTable& table, std::size_t width) {
  const std::size_t good = std::min(width, kComfortable);
  std::string wide = Wide(table, 0, table.metrics.size());
  if (WidthOf(wide) <= good) return wide;
  std::string tall = Tall(table);
  if (WidthOf(tall) <= good) return tall;
  return WidthOf(wide) <= width ? wide : InPieces(table, good);
}

std::string MetricsText(const RunFacts& run, std::size_t width) {
  std::string out;
  for (const MetricsTable& table : MetricsTables(run)) {
    if (!out.empty()) out += '\n';
    out += MetricsTableText(table, width);
  }
  for (const TaskFacts& task : run.tasks) {
    if (!IsVerdict(task.type)) continue;  // of others these are figures like any other, above
    const std::string by_class = ClassTableText(task.name, task.metrics, width);
    if (by_class.empty()) continue;
    if (!out.empty()) out += '\n';
    out += by_class;
  }
  return out;
}

Json MetricsJson(const RunFacts& run) {
  Json tasks = Json::object();
  for (const TaskFacts& task : run.tasks) {
    if (!task.metrics.empty()) tasks[task.name] = task.metrics;
  }
  return {{"run", run.id}, {"tasks", tasks}};
}

std::string DiffText(const RunFacts& before, const RunFacts& after, bool all, std::size_t width) {
  TextTable table({{"task"},
                   {"metric"},
                   {before.id, Align::kRight},
                   {after.id, Align::kRight},
                   {"change", Align::kRight}});
  std::size_t equal = 0;
  for (const MetricChange& change : DiffMetrics(before, after)) {
    if (!change.changed()) ++equal;
    if (!change.changed() && !all) continue;
    const bool both = change.before && change.after;
    table.AddRow({change.task, change.metric, ValueText(change.before), ValueText(change.after),
                  both ? SignedNumberText(*change.after - *change.before) : "-"});
  }
  if (table.empty()) {
    return equal == 0 ? "neither run has metrics\n"
                      : "all " + std::to_string(equal) + " metrics are equal\n";
  }
  std::string out = table.Render(width);
  if (equal > 0 && !all) out += std::to_string(equal) + " metrics are equal\n";
  return out;
}

Json DiffJson(const RunFacts& before, const RunFacts& after) {
  Json changes = Json::array();
  for (const MetricChange& change : DiffMetrics(before, after)) {
    const bool both = change.before && change.after;
    changes.push_back({{"task", change.task},
                       {"metric", change.metric},
                       {"before", Number(change.before)},
                       {"after", Number(change.after)},
                       {"delta", both ? Json(*change.after - *change.before) : Json()}});
  }
  return {{"before", before.id}, {"after", after.id}, {"changes", changes}};
}

}  // namespace dml::report
