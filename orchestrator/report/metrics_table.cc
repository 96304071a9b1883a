#include "orchestrator/report/metrics_table.h"

#include <algorithm>
#include <map>
#include <set>

namespace dml::report {

std::vector<std::pair<std::string, double>> FlattenMetrics(const Json& metrics) {
  std::vector<std::pair<std::string, double>> out;
  if (!metrics.is_object()) return out;
  std::vector<std::pair<std::string, const Json*>> open{{"", &metrics}};
  while (!open.empty()) {
    const auto [prefix, object] = open.back();
    open.pop_back();
    for (const auto& [key, value] : object->items()) {
      const std::string path = prefix.empty() ? key : prefix + "." + key;
      if (value.is_object()) open.emplace_back(path, &value);
      if (value.is_number()) out.emplace_back(path, value.get<double>());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool IsVerdict(const std::string& type) {
  return type.starts_with("evaluate.") || type.starts_with("select.");
}

namespace {

// Of a verdict, except for what select.best chose.
bool IsDetail(const std::pair<std::string, double>& metric) {
  return metric.first.find('.') != std::string::npos && !metric.first.starts_with("params.");
}

// What select.best chose that is no number: ("params.solver", "saga"), ("params.max_depth",
// "null").
std::map<std::string, std::string> ChosenTexts(const TaskFacts& task) {
  std::map<std::string, std::string> texts;
  if (!IsVerdict(task.type) || !task.metrics.is_object()) return texts;
  const auto params = task.metrics.find("params");
  if (params == task.metrics.end() || !params->is_object()) return texts;
  for (const auto& [name, value] : params->items()) {
    if (value.is_number() || value.is_object()) continue;
    texts["params." + name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return texts;
}

}  // namespace

std::vector<MetricsTable> MetricsTables(const RunFacts& run) {
  std::vector<MetricsTable> tables;
  std::map<std::string, std::size_t> table_of_group;
  std::vector<std::vector<std::pair<std::string, double>>> flat;
  std::map<std::string, std::set<std::string>> names;
  const auto group_of = [](const TaskFacts& task) -> const std::string& {
    return IsVerdict(task.type) ? task.type : task.step;
  };
  for (const TaskFacts& task : run.tasks) {
    flat.push_back(FlattenMetrics(task.metrics));
    if (IsVerdict(task.type)) std::erase_if(flat.back(), IsDetail);
    for (const auto& [path, value] : flat.back()) names[group_of(task)].insert(path);
    for (const auto& [path, text] : ChosenTexts(task)) names[group_of(task)].insert(path);
  }
  for (std::size_t t = 0; t < run.tasks.size(); ++t) {
    if (flat[t].empty()) continue;
    const TaskFacts& task = run.tasks[t];
    const auto [found, fresh] = table_of_group.emplace(group_of(task), tables.size());
    const std::set<std::string>& metrics = names[group_of(task)];
    if (fresh) tables.push_back({task.step, task.type, {metrics.begin(), metrics.end()}, {}});
    MetricsTable& table = tables[found->second];
    if (table.title != task.step) table.title = group_of(task);
    const std::map<std::string, double> values(flat[t].begin(), flat[t].end());
    MetricsTable::Row& row = table.rows.emplace_back();
    row.task = task.name;
    const std::map<std::string, std::string> texts = ChosenTexts(task);
    for (const std::string& metric : table.metrics) {
      if (const auto text = texts.find(metric); text != texts.end()) {
        row.texts.emplace(row.values.size(), text->second);
      }
      const auto value = values.find(metric);
      row.values.push_back(value == values.end() ? std::nullopt : std::optional(value->second));
    }
  }
  return tables;
}

std::vector<MetricChange> DiffMetrics(const RunFacts& before, const RunFacts& after) {
  std::map<std::pair<std::string, std::string>, double> old;
  for (const TaskFacts& task : before.tasks) {
    for (const auto& [path, value] : FlattenMetrics(task.metrics)) old[{task.name, path}] = value;
  }
  std::vector<MetricChange> changes;
  for (const TaskFacts& task : after.tasks) {
    for (const auto& [path, value] : FlattenMetrics(task.metrics)) {
      const auto found = old.find({task.name, path});
      MetricChange& change = changes.emplace_back();
      change = {task.name, path, std::nullopt, value};
      if (found == old.end()) continue;
      change.before = found->second;
      old.erase(found);
    }
  }
  for (const auto& [key, value] : old) {
    changes.push_back({key.first, key.second, value, std::nullopt});
  }
  return changes;
}

}  // namespace dml::report
