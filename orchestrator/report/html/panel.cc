#include "orchestrator/report/html/panel.h"

#include <fmt/format.h>

#include <cmath>

#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/html/panel_kinds.h"
#include "orchestrator/report/number_text.h"

namespace dml::report {

namespace {

constexpr std::size_t kTableRowsMax = 200;
constexpr double kDrawableMax = 1e300;  // beyond it the span of an axis overflows

std::string Body(const std::string& type, const Json& panel) {
  if (type == "lines") return LinesBody(panel);
  if (type == "scatter") return ScatterBody(panel);
  if (type == "bars") return BarsBody(panel);
  if (type == "confusion") return ConfusionBody(panel);
  if (type == "table") return TableBody(panel);
  if (type == "notes") return NotesBody(panel);
  return fmt::format("<p class=\"dim\">a panel of type '{}', which this version cannot draw</p>",
                     EscapeHtml(type));
}

}  // namespace

std::vector<double> NumbersOf(const Json& array) {
  std::vector<double> values;
  values.reserve(array.size());
  for (const Json& item : array) {
    const double value =
        item.is_number() ? item.get<double>() : std::numeric_limits<double>::quiet_NaN();
    values.push_back(std::abs(value) <= kDrawableMax ? value
                                                     : std::numeric_limits<double>::quiet_NaN());
  }
  return values;
}

// Numbers stand at the right, under headings that do too.
std::string CellHtml(const char* tag, bool number, const std::string& text) {
  return fmt::format("<{0}{1}>{2}</{0}>", tag, number ? " class=\"num\"" : "", EscapeHtml(text));
}

std::string TableBody(const Json& panel) {
  const Json& columns = panel.at("columns");
  const Json& rows = panel.at("rows");
  std::string out = "<div class=\"scroll\"><table class=\"data\"><thead><tr>";
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const bool number = !rows.empty() && c < rows[0].size() && rows[0][c].is_number();
    out += CellHtml("th", number, CellText(columns[c]));
  }
  out += "</tr></thead><tbody>";
  for (std::size_t r = 0; r < rows.size() && r < kTableRowsMax; ++r) {
    out += "<tr>";
    for (const Json& cell : rows[r]) out += CellHtml("td", cell.is_number(), CellText(cell));
    out += "</tr>";
  }
  out += "</tbody></table></div>";
  if (rows.size() > kTableRowsMax) {
    out += fmt::format("<p class=\"dim\">the first {} of {} rows</p>", kTableRowsMax, rows.size());
  }
  return out;
}

std::string NotesBody(const Json& panel) {
  const std::string level = panel.value("level", "info");
  const std::string known = level == "good" || level == "warning" ? level : "info";
  std::string out = "<ul class=\"notes " + known + "\">";
  for (const Json& note : panel.at("notes")) out += "<li>" + EscapeHtml(CellText(note)) + "</li>";
  return out + "</ul>";
}

std::string PanelHtml(const Json& panel) {
  std::string title = "panel";
  std::string body;
  try {
    title = panel.value("title", title);
    body = Body(panel.at("type").get<std::string>(), panel);
  } catch (const Json::exception& problem) {
    body = "<p class=\"dim\">this panel is malformed: " + EscapeHtml(problem.what()) + "</p>";
  }
  return "<figure class=\"card\"><figcaption>" + EscapeHtml(title) + "</figcaption>" + body +
         "</figure>\n";
}

}  // namespace dml::report
