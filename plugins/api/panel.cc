#include "plugins/api/panel.h"

#include <cmath>

namespace dml::plugins {

namespace {

Json Numbers(const std::vector<double>& values) {
  Json out = Json::array();
  for (double value : values) out.push_back(std::isfinite(value) ? Json(value) : Json());
  return out;
}

Json SeriesPanel(const char* type, std::string title, std::string x_label, std::string y_label,
                 const std::vector<Series>& series) {
  Json list = Json::array();
  for (const Series& one : series) {
    list.push_back({{"name", one.name}, {"x", Numbers(one.x)}, {"y", Numbers(one.y)}});
  }
  return {{"type", type},
          {"title", std::move(title)},
          {"x_label", std::move(x_label)},
          {"y_label", std::move(y_label)},
          {"series", std::move(list)}};
}

}  // namespace

Json LinesPanel(std::string title, std::string x_label, std::string y_label,
                const std::vector<Series>& series) {
  return SeriesPanel("lines", std::move(title), std::move(x_label), std::move(y_label), series);
}

Json ScatterPanel(std::string title, std::string x_label, std::string y_label,
                  const std::vector<Series>& series) {
  return SeriesPanel("scatter", std::move(title), std::move(x_label), std::move(y_label), series);
}

Json BarsPanel(std::string title, const std::vector<std::string>& labels,
               const std::vector<double>& values) {
  return {{"type", "bars"},
          {"title", std::move(title)},
          {"labels", labels},
          {"values", Numbers(values)}};
}

Json ConfusionPanel(std::string title, const std::vector<std::string>& classes,
                    const std::vector<std::vector<double>>& counts) {
  Json rows = Json::array();
  for (const auto& row : counts) rows.push_back(Numbers(row));
  return {{"type", "confusion"},
          {"title", std::move(title)},
          {"classes", classes},
          {"counts", std::move(rows)}};
}

Json TablePanel(std::string title, const std::vector<std::string>& columns,
                const std::vector<std::vector<Json>>& rows) {
  return {{"type", "table"}, {"title", std::move(title)}, {"columns", columns}, {"rows", rows}};
}

Json NotesPanel(std::string title, std::string level, const std::vector<std::string>& notes) {
  return {{"type", "notes"},
          {"title", std::move(title)},
          {"level", std::move(level)},
          {"notes", notes}};
}

}  // namespace dml::plugins
