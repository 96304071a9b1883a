#include "orchestrator/report/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/quantity.h"
#include "orchestrator/report/html/dag_svg.h"
#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/html/panel.h"
#include "orchestrator/report/html/style.h"
#include "orchestrator/report/html/timeline_svg.h"
#include "orchestrator/report/metrics_table.h"
#include "orchestrator/report/number_text.h"

namespace dml::report {

namespace {

constexpr std::size_t kRowsMax = 2000;
constexpr std::size_t kTilesMax = 12;
constexpr std::size_t kOpenTasksMax = 2;
constexpr std::size_t kPanelBytesMax = 4'000'000;
constexpr std::size_t kColumnsMax = 9;  // a table with more metrics stands upright

std::string Section(const std::string& id, const std::string& title, const std::string& body) {
  if (body.empty()) return {};
  return "<section id=\"" + id + "\"><h2>" + title + "</h2>\n" + body + "</section>\n";
}

std::string Fact(const std::string& name, const std::string& value) {
  return "<div><dt>" + EscapeHtml(name) + "</dt><dd>" + EscapeHtml(value) + "</dd></div>";
}

std::string TaskCounts(const RunFacts& run) {
  std::string text;
  for (const char* state : {"succeeded", "reused", "failed", "skipped", "cancelled"}) {
    const std::size_t count = run.CountState(state);
    if (count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
  }
  return text.empty() ? "none" : text;
}

std::string Header(const RunFacts& run) {
  std::string out = "<header><div><div class=\"headline\"><h1>" + EscapeHtml(run.pipeline) +
                    "</h1><span class=\"badge " + EscapeHtml(run.state) + "\">" +
                    EscapeHtml(run.state) + "</span></div>\n<dl class=\"facts\">";
  out += Fact("run", run.id) + Fact("started", FormatUtc(run.started));
  if (run.ended.us > 0) out += Fact("took", SecondsText(run.Seconds()));
  out += Fact(fmt::format("{} tasks", run.tasks.size()), TaskCounts(run));
  out += Fact("pipeline file", run.file);
  for (const auto& [name, value] : run.params.items()) out += Fact(name, CellText(value));
  return out + "</dl></div></header>\n";
}

std::string Failures(const RunFacts& run) {
  std::string out;
  for (const TaskFacts& task : run.tasks) {
    if (task.state != "failed") continue;
    out += "<div class=\"card\"><figcaption>" + EscapeHtml(task.name) +
           "</figcaption><pre class=\"error\">" + EscapeHtml(task.error) + "</pre></div>\n";
  }
  return out;
}

// What people look for first, in this order; other metrics stand in the tables.
constexpr std::array<std::string_view, 12> kHeadlines = {
    "roc_auc", "accuracy",      "f1",         "log_loss", "r2",   "rmse", "mae",
    "mape",    "adjusted_rand", "silhouette", "inertia",  "score"};
constexpr std::size_t kTilesPerTask = 4;

// The figures people open a report for: a few single numbers of the evaluating steps.
std::string Tiles(const RunFacts& run) {
  const auto verdicts = std::count_if(run.tasks.begin(), run.tasks.end(),
                                      [](const TaskFacts& task) { return IsVerdict(task.type); });
  const std::size_t per_task = verdicts > 2 ? 1 : kTilesPerTask;
  std::string out;
  std::size_t count = 0;
  for (const TaskFacts& task : run.tasks) {
    if (!IsVerdict(task.type) || !task.metrics.is_object()) continue;
    std::size_t of_task = 0;
    for (std::string_view name : kHeadlines) {
      const auto metric = task.metrics.find(name);
      if (metric == task.metrics.end() || !metric->is_number()) continue;
      if (of_task++ == per_task || count++ == kTilesMax) break;
      out +=
          fmt::format("<div class=\"card\"><b>{}</b><span>{} &middot; {}</span></div>",
                      EscapeHtml(NumberText(metric->get<double>())), name, EscapeHtml(task.name));
    }
  }
  return out.empty() ? out : "<div class=\"tiles\">" + out + "</div>\n";
}

std::string MetricCell(const MetricsTable::Row& row, std::size_t metric) {
  if (const auto text = row.texts.find(metric); text != row.texts.end()) {
    return "<td class=\"num\">" + EscapeHtml(text->second) + "</td>";
  }
  const std::optional<double>& value = row.values[metric];
  if (!value) return "<td class=\"num\">-</td>";
  return fmt::format("<td class=\"num\" data-v=\"{}\">{}</td>", *value,
                     EscapeHtml(NumberText(*value)));
}

std::string WideTable(const MetricsTable& table) {
  std::string out = "<table class=\"data sortable\"><thead><tr><th>task</th>";
  for (const std::string& metric : table.metrics) {
    out += "<th class=\"num\">" + EscapeHtml(metric) + "</th>";
  }
  out += "</tr></thead><tbody>";
  for (std::size_t r = 0; r < table.rows.size() && r < kRowsMax; ++r) {
    out += "<tr><td>" + EscapeHtml(table.rows[r].task) + "</td>";
    for (std::size_t m = 0; m < table.metrics.size(); ++m) out += MetricCell(table.rows[r], m);
    out += "</tr>";
  }
  return out + "</tbody></table>";
}

std::string TallTable(const MetricsTable& table) {
  std::string out = "<table class=\"data sortable\"><thead><tr><th>metric</th>";
  for (const auto& row : table.rows) out += "<th class=\"num\">" + EscapeHtml(row.task) + "</th>";
  out += "</tr></thead><tbody>";
  for (std::size_t m = 0; m < table.metrics.size() && m < kRowsMax; ++m) {
    out += "<tr><td>" + EscapeHtml(table.metrics[m]) + "</td>";
    for (const auto& row : table.rows) out += MetricCell(row, m);
    out += "</tr>";
  }
  return out + "</tbody></table>";
}

std::string TableCard(const MetricsTable& table) {
  const bool tall = table.metrics.size() > kColumnsMax && table.rows.size() <= kColumnsMax;
  const std::string type = table.title == table.type ? "" : table.type;
  std::string out = "<h3>" + EscapeHtml(table.title) + "<small>" + EscapeHtml(type) +
                    "</small></h3><div class=\"card\"><div class=\"scroll\">" +
                    (tall ? TallTable(table) : WideTable(table)) + "</div>";
  if (table.rows.size() > kRowsMax) {
    out +=
        fmt::format("<p class=\"dim\">the first {} of {} tasks</p>", kRowsMax, table.rows.size());
  }
  return out + "</div>\n";
}

// Verdicts in full view, what the other steps counted below them and folded.
std::string Metrics(const RunFacts& run) {
  std::string verdicts;
  std::string others;
  for (const MetricsTable& table : MetricsTables(run)) {
    (IsVerdict(table.type) ? verdicts : others) += TableCard(table);
  }
  if (others.empty() || verdicts.empty()) return Tiles(run) + verdicts + others;
  return Tiles(run) + verdicts + "<details><summary>what the other steps measured</summary>\n" +
         others + "</details>\n";
}

// Verdicts first. The many tasks of a matrix are folded away.
std::string Panels(const RunFacts& run) {
  std::map<std::string, std::size_t> tasks_of_step;
  std::vector<const TaskFacts*> tasks;
  for (const TaskFacts& task : run.tasks) {
    if (task.panels.empty()) continue;
    ++tasks_of_step[task.step];
    tasks.push_back(&task);
  }
  std::stable_partition(tasks.begin(), tasks.end(),
                        [](const TaskFacts* task) { return IsVerdict(task->type); });
  std::string out;
  for (const TaskFacts* task : tasks) {
    if (out.size() > kPanelBytesMax) {
      out += "<p class=\"dim\">the plots of further tasks are left out</p>";
      break;
    }
    const bool open = tasks_of_step[task->step] <= kOpenTasksMax || IsVerdict(task->type);
    out += fmt::format(
        "<details{}><summary><b>{}</b> <small>{}</small></summary>\n<div class=\"grid\">\n",
        open ? " open" : "", EscapeHtml(task->name), EscapeHtml(task->type));
    for (const Json& panel : task->panels) out += PanelHtml(panel);
    out += "</div></details>\n";
  }
  return out;
}

std::string Warnings(const RunFacts& run) {
  std::string out;
  for (const TaskFacts& task : run.tasks) {
    if (task.warnings.empty()) continue;
    out += "<div class=\"card\"><figcaption>" + EscapeHtml(task.name) +
           "</figcaption><ul class=\"notes warning\">";
    for (const std::string& warning : task.warnings) out += "<li>" + EscapeHtml(warning) + "</li>";
    out += "</ul></div>\n";
  }
  return out;
}

std::string Tasks(const RunFacts& run) {
  std::string out =
      "<div class=\"card\"><div class=\"scroll\"><table class=\"data sortable\"><thead><tr>"
      "<th>task</th><th>type</th><th>state</th><th class=\"num\">attempts</th>"
      "<th class=\"num\">time</th><th class=\"num\">cpu</th><th class=\"num\">memory</th>"
      "<th>reason</th></tr></thead><tbody>";
  for (std::size_t t = 0; t < run.tasks.size() && t < kRowsMax; ++t) {
    const TaskFacts& task = run.tasks[t];
    const bool ran = !task.attempts.empty();
    out += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"num\">{}</td>"
        "<td class=\"num\" data-v=\"{:.6f}\">{}</td><td class=\"num\" data-v=\"{:.6f}\">{}</td>"
        "<td class=\"num\" data-v=\"{}\">{}</td><td>{}</td></tr>",
        EscapeHtml(task.name), EscapeHtml(task.type), EscapeHtml(task.state), task.attempts.size(),
        task.Seconds(), ran ? SecondsText(task.Seconds()) : "-", task.cpu_seconds,
        ran ? SecondsText(task.cpu_seconds) : "-", task.memory_bytes_max,
        task.memory_bytes_max > 0 ? FormatSize(task.memory_bytes_max) : "-",
        EscapeHtml(task.reason));
  }
  out += "</tbody></table></div>";
  if (run.tasks.size() > kRowsMax) {
    out += fmt::format("<p class=\"dim\">the first {} of {} tasks</p>", kRowsMax, run.tasks.size());
  }
  return out + "</div>\n";
}

std::string Environment(const RunFacts& run) {
  if (run.environment.empty()) return {};
  std::string out = "<div class=\"card\"><table class=\"data\"><tbody>";
  for (const auto& [name, value] : run.environment) {
    out += "<tr><td>" + EscapeHtml(name) + "</td><td>" + EscapeHtml(value) + "</td></tr>";
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace

std::string HtmlReport(const RunFacts& run) {
  struct Part {
    const char* id;
    const char* title;
    std::string body;
  };
  std::vector<Part> parts;
  parts.push_back({"failures", "Failures", Failures(run)});
  parts.push_back({"metrics", "Metrics", Metrics(run)});
  parts.push_back({"panels", "Plots", Panels(run)});
  parts.push_back({"warnings", "Warnings", Warnings(run)});
  parts.push_back({"graph", "Graph", "<div class=\"card\">" + DagSvg(run) + "</div>\n"});
  parts.push_back({"timeline", "Timeline", "<div class=\"card\">" + TimelineSvg(run) + "</div>\n"});
  parts.push_back({"tasks", "Tasks", Tasks(run)});
  parts.push_back({"pipeline", "Pipeline",
                   run.pipeline_text.empty()
                       ? std::string()
                       : "<pre>" + EscapeHtml(run.pipeline_text) + "</pre>\n"});
  parts.push_back({"environment", "Environment", Environment(run)});

  std::string links;
  std::string sections;
  for (const Part& part : parts) {
    if (part.body.empty()) continue;
    links += fmt::format("<a href=\"#{}\">{}</a>", part.id, part.title);
    sections += Section(part.id, part.title, part.body);
  }
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         EscapeHtml(run.pipeline + " " + run.id) + "</title>\n<style>" + kStyleSheet +
         "</style></head>\n<body>" + Header(run) + "<nav><div>" + links + "</div></nav>\n<main>\n" +
         sections +
         "<footer>Written by dml. Everything is in this file.</footer></main>\n<script>" +
         kSortScript + "</script></body></html>\n";
}

}  // namespace dml::report
