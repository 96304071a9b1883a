#include "orchestrator/report/html/svg.h"

#include <fmt/format.h>

#include <iterator>

#include "orchestrator/report/html/escape.h"

namespace dml::report {

namespace {

std::string Title(std::string_view tooltip) {
  return tooltip.empty() ? std::string() : "<title>" + EscapeHtml(tooltip) + "</title>";
}

const char* AnchorText(Anchor anchor) {
  switch (anchor) {
    case Anchor::kStart:
      return "";
    case Anchor::kMiddle:
      return " text-anchor=\"middle\"";
    case Anchor::kEnd:
      return " text-anchor=\"end\"";
  }
  return "";
}

}  // namespace

std::string Coordinate(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

Svg::Svg(double width, double height, std::string_view label, bool fluid) {
  out_ = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" {2} role=\"img\" aria-label=\"{3}\">\n", Coordinate(width),
      Coordinate(height),
      fluid ? fmt::format("style=\"max-width:{}px\" width=\"100%\"", Coordinate(width))
            : fmt::format("width=\"{}\" height=\"{}\"", Coordinate(width), Coordinate(height)),
      EscapeHtml(label));
}

void Svg::Open(std::string_view css_class, std::string_view tooltip) {
  fmt::format_to(std::back_inserter(out_), "<g class=\"{}\">{}", css_class, Title(tooltip));
}

void Svg::Close() { out_ += "</g>\n"; }

void Svg::Line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  fmt::format_to(std::back_inserter(out_),
                 "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"/>", Coordinate(x1),
                 Coordinate(y1), Coordinate(x2), Coordinate(y2), css_class);
}

void Svg::Rect(double x, double y, double width, double height, std::string_view css_class,
               double radius, std::string_view tooltip) {
  fmt::format_to(
      std::back_inserter(out_),
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" class=\"{}\">{}</rect>",
      Coordinate(x), Coordinate(y), Coordinate(width), Coordinate(height), Coordinate(radius),
      css_class, Title(tooltip));
}

void Svg::Tint(double x, double y, double width, double height, double opacity,
               std::string_view tooltip) {
  fmt::format_to(std::back_inserter(out_),
                 "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"tint\" "
                 "fill-opacity=\"{:.3f}\">{}</rect>",
                 Coordinate(x), Coordinate(y), Coordinate(width), Coordinate(height), opacity,
                 Title(tooltip));
}

void Svg::Path(std::string_view data, std::string_view css_class) {
  fmt::format_to(std::back_inserter(out_), "<path d=\"{}\" class=\"{}\"/>", data, css_class);
}

void Svg::Text(double x, double y, std::string_view text, std::string_view css_class,
               Anchor anchor) {
  fmt::format_to(std::back_inserter(out_), "<text x=\"{}\" y=\"{}\" class=\"{}\"{}>{}</text>",
                 Coordinate(x), Coordinate(y), css_class, AnchorText(anchor), EscapeHtml(text));
}

void Svg::VerticalText(double x, double y, std::string_view text, std::string_view css_class) {
  fmt::format_to(std::back_inserter(out_),
                 "<text transform=\"translate({} {}) rotate(-90)\" class=\"{}\" "
                 "text-anchor=\"middle\">{}</text>",
                 Coordinate(x), Coordinate(y), css_class, EscapeHtml(text));
}

std::string Svg::Finish() && { return std::move(out_) + "</svg>\n"; }

}  // namespace dml::report
