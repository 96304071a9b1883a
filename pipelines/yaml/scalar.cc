#include "pipelines/yaml/scalar.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/check.h"

namespace dml::pipelines {

namespace {

constexpr std::size_t kShownTextMax = 60;

bool IsPlain(const Node& node) { return node.is_scalar() && node.plain; }

bool AllDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool HasLeadingZero(std::string_view digits) {
  return digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
}

template <typename T>
std::optional<T> Convert(std::string_view digits, int base) {
  T value{};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<bool> AsBool(const Node& node) {
  if (!IsPlain(node)) return std::nullopt;
  if (node.text == "true" || node.text == "True" || node.text == "TRUE") return true;
  if (node.text == "false" || node.text == "False" || node.text == "FALSE") return false;
  return std::nullopt;
}

std::optional<std::int64_t> AsInt(const Node& node) {
  if (!IsPlain(node) || node.text.empty()) return std::nullopt;
  std::string_view text = node.text;
  if (text.starts_with("0x") && text.size() > 2 && text[2] != '-') {
    return Convert<std::int64_t>(text.substr(2), 16);
  }
  if (text.starts_with("0o") && text.size() > 2 && text[2] != '-') {
    return Convert<std::int64_t>(text.substr(2), 8);
  }
  if (text[0] == '+') text.remove_prefix(1);
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (!AllDigits(digits) || HasLeadingZero(digits)) return std::nullopt;
  return Convert<std::int64_t>(text, 10);
}

std::optional<double> AsFloat(const Node& node) {
  if (!IsPlain(node) || node.text.empty()) return std::nullopt;
  std::string_view text = node.text;
  if (text[0] == '+') text.remove_prefix(1);
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || HasLeadingZero(digits)) return std::nullopt;
  if (digits.find_first_not_of("0123456789.eE+-") != std::string_view::npos) {
    const auto integer = AsInt(node);
    return integer ? std::optional(static_cast<double>(*integer)) : std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::string ScalarTrap(const Node& node) {
  if (!node.is_scalar()) return {};
  if (!node.plain) {
    const Node bare = Node::Scalar(node.text, node.place);
    const bool typed = AsFloat(bare) || AsBool(bare);
    return typed ? "in quotes it is text; remove the quotes" : std::string();
  }
  const std::string& text = node.text;
  for (const std::string_view word : {"yes", "Yes", "YES", "on", "On", "ON", "y"}) {
    if (text == word) return "write true";
  }
  for (const std::string_view word : {"no", "No", "NO", "off", "Off", "OFF", "n"}) {
    if (text == word) return "write false";
  }
  const std::size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  if (HasLeadingZero(std::string_view(text).substr(sign))) {
    return "a leading zero is ambiguous in YAML; remove it, or write 0o17 for octal";
  }
  if (AllDigits(std::string_view(text).substr(sign)) && !AsInt(node)) {
    return "it does not fit into 64 bits";
  }
  if (text.find('_') != std::string::npos &&
      text.find_first_not_of("0123456789_") == std::string::npos) {
    return "write the digits without '_'";
  }
  return {};
}

Json ToJson(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return nullptr;
    case Node::Kind::kScalar: {
      if (const auto boolean = AsBool(node)) return *boolean;
      if (const auto integer = AsInt(node)) return *integer;
      if (const auto number = AsFloat(node)) return *number;
      return node.text;
    }
    case Node::Kind::kSequence: {
      Json out = Json::array();
      for (const Node& item : node.items) out.push_back(ToJson(item));
      return out;
    }
    case Node::Kind::kMapping: {
      Json out = Json::object();
      for (std::size_t i = 0; i < node.keys.size(); ++i) {
        out[node.keys[i].text] = ToJson(node.items[i]);
      }
      return out;
    }
  }
  DML_UNREACHABLE("a node has one of four kinds");
}

std::string ScalarText(const Node& node) { return node.is_null() ? "null" : node.text; }

std::string DescribeNode(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMapping:
      return "a mapping";
    case Node::Kind::kScalar:
      break;
  }
  std::string shown = node.text;
  if (shown.size() > kShownTextMax) {
    std::size_t cut = kShownTextMax;
    while (cut > 0 && (static_cast<unsigned char>(shown[cut]) & 0xC0U) == 0x80U) --cut;
    shown = shown.substr(0, cut) + "...";
  }
  if (AsBool(node)) return shown;
  if (AsFloat(node)) return "the number " + shown;
  return fmt::format("the text '{}'", shown);
}

}  // namespace dml::pipelines
