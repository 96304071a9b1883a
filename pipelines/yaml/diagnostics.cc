#include "pipelines/yaml/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace dml::pipelines {

namespace {

constexpr std::size_t kSourceLineShownMax = 160;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The byte offset of a column that counts code points from 1.
std::size_t ByteOffset(std::string_view line, int column) {
  int passed = 1;
  std::size_t offset = 0;
  while (offset < line.size() && passed < column) {
    ++offset;
    while (offset < line.size() && IsContinuation(line[offset])) ++offset;
    ++passed;
  }
  return offset;
}

bool IsUtf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

// What of a file that is no text can be shown: a question mark for every character beyond ASCII.
std::string Showable(const std::string& shown) {
  const bool utf8 = IsUtf8(shown);
  std::string out;
  for (const char c : shown) {
    const bool beyond = !utf8 && (static_cast<unsigned char>(c) & 0x80U) != 0;
    if (beyond && IsContinuation(c)) continue;
    out += beyond || c == '\0' ? '?' : c;
  }
  return out;
}

// Keeps the part of a line around a place.
void SetSourceLine(Diagnostic& diagnostic, std::string_view line) {
  const std::size_t at = ByteOffset(line, diagnostic.where.column);
  std::size_t begin = at > kSourceLineShownMax / 2 ? at - kSourceLineShownMax / 2 : 0;
  while (begin < line.size() && IsContinuation(line[begin])) ++begin;
  std::size_t end = std::min(line.size(), begin + kSourceLineShownMax);
  while (end < line.size() && IsContinuation(line[end])) ++end;
  const std::string shown = Showable(std::string(line.substr(begin, end - begin)));
  const std::string dots = begin > 0 ? "..." : "";
  diagnostic.source_line = fmt::format("{}{}{}", dots, shown, end < line.size() ? "..." : "");
  diagnostic.caret = dots.size();
  for (std::size_t i = begin; i < at && i < end; ++i) {
    if (!IsContinuation(line[i])) ++diagnostic.caret;
  }
}

// "  12 |   wiht: x" and the line under it with the caret.
std::string RenderSource(const Diagnostic& diagnostic) {
  std::string under;
  std::size_t before = 0;
  std::size_t after = 0;
  for (const char c : diagnostic.source_line) {
    if (IsContinuation(c)) continue;
    if (before++ < diagnostic.caret) {
      under += c == '\t' ? '\t' : ' ';
    } else {
      ++after;
    }
  }
  const auto width = static_cast<std::size_t>(std::max(diagnostic.width, 1));
  under.append("^").append(std::clamp<std::size_t>(after, 1, width) - 1, '~');
  return fmt::format("{:>5} | {}\n      | {}\n", diagnostic.where.line, diagnostic.source_line,
                     under);
}

std::string RenderPlace(const Location& where) {
  if (where.line == 0) return where.file;
  return fmt::format("{}:{}:{}", where.file, where.line, where.column);
}

Diagnostic MakeDiagnostic(const Place& place, std::string message, std::string hint) {
  Diagnostic item;
  item.where = place.ToLocation();
  item.width = place.width;
  if (place.source != nullptr) {
    item.source_order = place.source->order;
    SetSourceLine(item, place.source->Line(place.line));
  }
  item.message = std::move(message);
  item.hint = std::move(hint);
  return item;
}

// In file and line order, each message at one place once.
std::vector<Diagnostic> Sorted(std::vector<Diagnostic> items) {
  const auto key = [](const Diagnostic& d) {
    return std::tie(d.source_order, d.where.line, d.where.column);
  };
  std::ranges::stable_sort(items, [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto same = [&](const Diagnostic& a, const Diagnostic& b) {
    return key(a) == key(b) && a.message == b.message;
  };
  // Not std::ranges::unique: clang 14 cannot compile it with libstdc++ 12.
  items.erase(std::unique(items.begin(), items.end(), same), items.end());
  return items;
}

}  // namespace

void Diagnostics::Add(const Place& place, std::string message, std::string hint) {
  if (++count_ > kKeptMax) return;
  items_.push_back(MakeDiagnostic(place, std::move(message), std::move(hint)));
}

void Diagnostics::Warn(const Place& place, std::string message, std::string hint) {
  if (warnings_.size() == kKeptMax) return;
  warnings_.push_back(MakeDiagnostic(place, std::move(message), std::move(hint)));
}

std::vector<Diagnostic> Diagnostics::TakeSorted() {
  count_ = 0;
  return Sorted(std::exchange(items_, {}));
}

std::vector<Diagnostic> Diagnostics::TakeWarnings() { return Sorted(std::exchange(warnings_, {})); }

std::string RenderText(const std::vector<Diagnostic>& diagnostics, std::size_t limit,
                       std::string_view kind) {
  std::string out;
  for (std::size_t i = 0; i < diagnostics.size() && i < limit; ++i) {
    const Diagnostic& item = diagnostics[i];
    out += fmt::format("{}: {}: {}\n", RenderPlace(item.where), kind, item.message);
    if (item.where.line > 0) out += RenderSource(item);
    if (!item.hint.empty()) out += fmt::format("      = help: {}\n", item.hint);
  }
  if (diagnostics.size() > limit) {
    out += fmt::format("... and {} more {}s\n", diagnostics.size() - limit, kind);
  }
  return out;
}

Json RenderJson(const std::vector<Diagnostic>& diagnostics) {
  Json out = Json::array();
  for (const Diagnostic& item : diagnostics) {
    out.push_back({{"file", item.where.file},
                   {"line", item.where.line},
                   {"column", item.where.column},
                   {"message", item.message},
                   {"hint", item.hint}});
  }
  return out;
}

}  // namespace dml::pipelines
