#pragma once

#include <string>
#include <string_view>

namespace dml::report {

enum class Anchor { kStart, kMiddle, kEnd };

// Builds one inline SVG. Colours come from the page's style sheet through classes, so that one
// drawing serves the light and the dark theme. All text is escaped here and nowhere else.
class Svg {
 public:
  // `label` is read out to those who cannot see the drawing. `fluid` drawings shrink with the page.
  Svg(double width, double height, std::string_view label, bool fluid = true);

  void Open(std::string_view css_class, std::string_view tooltip = {});
  void Close();
  void Line(double x1, double y1, double x2, double y2, std::string_view css_class);
  void Rect(double x, double y, double width, double height, std::string_view css_class,
            double radius = 0, std::string_view tooltip = {});
  // A rectangle whose class is drawn at the given opacity: heat maps.
  void Tint(double x, double y, double width, double height, double opacity,
            std::string_view tooltip);
  void Path(std::string_view data, std::string_view css_class);
  void Text(double x, double y, std::string_view text, std::string_view css_class,
            Anchor anchor = Anchor::kStart);
  // Text turned by 90 degrees, reading upwards.
  void VerticalText(double x, double y, std::string_view text, std::string_view css_class);

  [[nodiscard]] std::string Finish() &&;

 private:
  std::string out_;
};

// A coordinate with one decimal and no trailing zero.
std::string Coordinate(double value);

}  // namespace dml::report
