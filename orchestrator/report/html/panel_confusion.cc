#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/html/panel_kinds.h"
#include "orchestrator/report/html/svg.h"
#include "orchestrator/report/number_text.h"

namespace dml::report {

namespace {

constexpr std::size_t kClassesMax = 40;
constexpr std::size_t kClassesWithText = 14;
constexpr double kLeft = 104;
constexpr double kTop = 46;
constexpr double kMatrixMax = 400;
constexpr double kCellMax = 96;

std::string CellTooltip(const std::string& truth, const std::string& predicted, double count,
                        double share) {
  return fmt::format("true {}, predicted {}: {} ({:.1f} % of the row)", truth, predicted,
                     NumberText(count), share * 100);
}

}  // namespace

std::string ConfusionBody(const Json& panel) {
  const auto classes = panel.at("classes").get<std::vector<std::string>>();
  const Json& counts = panel.at("counts");
  const std::size_t size = std::min({classes.size(), counts.size(), kClassesMax});
  const double cell =
      std::min(kCellMax, kMatrixMax / static_cast<double>(std::max<std::size_t>(size, 1)));
  const double side = cell * static_cast<double>(size);
  Svg svg(kLeft + side + 12, kTop + side + 12, panel.value("title", "confusion matrix"));
  svg.Text(kLeft + side / 2, 14, "predicted", "label", Anchor::kMiddle);
  svg.VerticalText(13, kTop + side / 2, "true", "label");
  const auto name_width = static_cast<std::size_t>(std::max(2.0, cell / 7));
  for (std::size_t r = 0; r < size; ++r) {
    const std::vector<double> row = NumbersOf(counts[r]);
    const double total = std::accumulate(row.begin(), row.end(), 0.0);
    const double y = kTop + cell * static_cast<double>(r);
    svg.Text(kLeft - 7, y + cell / 2 + 4, Shorten(classes[r], 12), "tick", Anchor::kEnd);
    svg.Text(kLeft + cell * (static_cast<double>(r) + 0.5), kTop - 8,
             Shorten(classes[r], name_width), "tick", Anchor::kMiddle);
    for (std::size_t c = 0; c < size && c < row.size(); ++c) {
      const double share = total > 0 ? row[c] / total : 0;
      const double x = kLeft + cell * static_cast<double>(c);
      svg.Rect(x, y, cell, cell, "cell");
      svg.Tint(x + 1, y + 1, cell - 2, cell - 2, share,
               CellTooltip(classes[r], classes[c], row[c], share));
      if (size > kClassesWithText) continue;
      const std::string tone = share > 0.55 ? "count on" : "count";
      svg.Text(x + cell / 2, y + cell / 2 + (cell > 44 ? 0 : 4), NumberText(row[c]), tone,
               Anchor::kMiddle);
      if (cell > 44) {
        svg.Text(x + cell / 2, y + cell / 2 + 16, fmt::format("{:.1f} %", share * 100),
                 tone + " share", Anchor::kMiddle);
      }
    }
  }
  std::string out = std::move(svg).Finish();
  if (classes.size() > size) {
    out += fmt::format("<p class=\"dim\">the first {} of {} classes</p>", size, classes.size());
  }
  return out;
}

}  // namespace dml::report
