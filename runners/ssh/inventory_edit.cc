#include "runners/ssh/inventory_edit.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <optional>
#include <set>

#include "pipelines/yaml/parse.h"
#include "runners/ssh/inventory.h"

namespace dml::ssh {

namespace {

using pipelines::Node;

constexpr int kPortMax = 65535;

bool IsYaml(const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
}

// As YAML and JSON read it back: a word that is nothing but a word, else in quotes.
std::string Scalar(const std::string& text, bool quoted) {
  static const std::set<std::string> kMeaning{"true", "false", "yes", "no", "on",
                                              "off",  "null",  "y",   "n"};
  bool plain = !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) != 0;
  for (const char c : text) {
    plain = plain &&
            (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_');
  }
  return plain && !quoted && !kMeaning.contains(text) ? text : "\"" + text + "\"";
}

std::string Item(const TypedHost& host, bool json) {
  if (host.user.empty() && host.port == 0) return Scalar(host.host, json);
  const auto key = [&](const char* name) { return Scalar(name, json); };
  std::string out = "{" + key("host") + ": " + Scalar(host.host, json);
  if (host.port > 0) out += fmt::format(", {}: {}", key("port"), host.port);
  if (!host.user.empty()) out += fmt::format(", {}: {}", key("user"), Scalar(host.user, json));
  return out + "}";
}

std::string Line(const TypedHost& host) {
  std::string out = host.host;
  if (host.port > 0) out += fmt::format(":{}", host.port);
  if (!host.user.empty()) out += " user=" + host.user;
  return out;
}

// Passes over a quoted text, which begins at `at`; the position behind it.
std::size_t PastQuotes(const std::string& text, std::size_t at) {
  const char quote = text[at++];
  while (at < text.size() && text[at] != quote) at += text[at] == '\\' && quote == '"' ? 2U : 1U;
  return at + 1;
}

struct FlowEnd {
  std::size_t content;  // behind the last thing in it that is not a blank or a comment
  bool comma;           // that is a comma
};

// The end of the list in brackets that begins at `at`.
std::optional<FlowEnd> EndOfFlow(const std::string& text, std::size_t at) {
  int depth = 0;
  FlowEnd end{at + 1, true};
  while (at < text.size()) {
    const char c = text[at];
    const bool blank_before =
        at == 0 || std::isspace(static_cast<unsigned char>(text[at - 1])) != 0;
    if (c == '#' && blank_before) {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == '"' || c == '\'') {
      at = PastQuotes(text, at);
      end = {at, false};
    } else {
      depth += c == '[' || c == '{' ? 1 : 0;
      depth -= c == ']' || c == '}' ? 1 : 0;
      if (depth == 0) return end;
      ++at;
      if (std::isspace(static_cast<unsigned char>(c)) == 0)
        end = {at, c == ',' || (depth == 1 && c == '[')};
    }
  }
  return std::nullopt;
}

std::size_t OffsetOf(const pipelines::Place& place) {
  return place.source->line_starts[static_cast<std::size_t>(place.line - 1)] +
         static_cast<std::size_t>(place.column - 1);
}

std::string IntoFlow(std::string text, const FlowEnd& end, const std::vector<TypedHost>& hosts,
                     bool json) {
  std::string added;
  bool comma = end.comma;
  const bool first = text[end.content - 1] == '[';
  for (const TypedHost& host : hosts) {
    added += comma ? (first && added.empty() ? "" : " ") : ", ";
    added += Item(host, json);
    comma = false;
  }
  return text.insert(end.content, added);
}

std::string_view LineAt(const std::string& text, std::size_t begin) {
  const std::size_t end = std::min(text.find('\n', begin), text.size());
  return std::string_view(text).substr(begin, end - begin);
}

// Behind the last line of the item whose dash stands `indent` columns from the left on the line
// that begins at `at`: lines that are further to the right are its own.
std::size_t EndOfItem(const std::string& text, std::size_t at, std::size_t indent) {
  std::size_t end = std::min(text.find('\n', at), text.size());
  for (std::size_t next = end + 1; next < text.size();) {
    const std::string_view line = LineAt(text, next);
    const std::size_t begin = line.find_first_not_of(" \t\r");
    const bool says = begin != line.npos && line[begin] != '#';
    if (says && begin <= indent) break;
    if (says) end = next + line.size();
    next += line.size() + 1;
  }
  return end;
}

// Nothing if the list has another form.
std::optional<std::string> IntoBlock(std::string text, const Node& list,
                                     const std::vector<TypedHost>& hosts) {
  const Node& last = list.items.back();
  const pipelines::Place place =
      last.is_mapping() && !last.keys.empty() ? last.keys.front().place : last.place;
  const std::size_t start = place.source->line_starts[static_cast<std::size_t>(place.line - 1)];
  const std::string_view line = LineAt(text, start);
  const std::size_t dash = line.find_first_not_of(' ');
  if (dash == line.npos || line[dash] != '-') return std::nullopt;
  std::string added;
  for (const TypedHost& host : hosts) {
    added += "\n" + std::string(dash, ' ') + "- " + Item(host, /*json=*/false);
  }
  return text.insert(EndOfItem(text, start, dash), added);
}

std::optional<std::string> IntoYaml(const std::string& path, const std::string& text,
                                    const std::vector<TypedHost>& hosts) {
  const auto source = pipelines::MakeSource(path, "/", text, 0);
  pipelines::Diagnostics diagnostics;
  const auto document = pipelines::ParseYaml(source, diagnostics);
  if (!document || !document->root.is_mapping()) return std::nullopt;
  const Node* list = document->root.Find("hosts");
  if (list == nullptr || !list->is_sequence()) return std::nullopt;
  const std::size_t at = OffsetOf(list->place);
  if (at < text.size() && text[at] == '[') {
    const auto end = EndOfFlow(text, at);
    if (!end) return std::nullopt;
    return IntoFlow(text, *end, hosts, path.ends_with(".json"));
  }
  return list->items.empty() ? std::nullopt : IntoBlock(text, *list, hosts);
}

}  // namespace

Result<TypedHost> ParseTypedHost(const std::string& text) {
  TypedHost host;
  std::string rest = text;
  if (const std::size_t sign = rest.find('@'); sign != std::string::npos) {
    host.user = rest.substr(0, sign);
    rest.erase(0, sign + 1);
  }
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string::npos && rest.find(':') == colon) {
    const std::string digits = rest.substr(colon + 1);
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, host.port);
    if (error != std::errc() || stop != end || host.port < 1 || host.port > kPortMax) {
      return Error::Invalid(fmt::format("'{}' is not [user@]host[:port]", text));
    }
    rest.resize(colon);
  }
  host.host = rest;
  const bool fine = IsPlainHost(host.host) && (host.user.empty() || IsPlainUser(host.user)) &&
                    text.find('@') != 0;
  if (!fine) return Error::Invalid(fmt::format("'{}' is not [user@]host[:port]", text));
  return host;
}

Result<std::string> AddHosts(const std::string& path, const std::string& text,
                             const std::vector<TypedHost>& hosts) {
  const bool blank = text.find_first_not_of(" \t\r\n") == std::string::npos;
  std::optional<std::string> changed;
  if (!IsYaml(path)) {
    changed = text;
    if (!blank && !text.ends_with('\n')) *changed += '\n';
    for (const TypedHost& host : hosts) *changed += Line(host) + "\n";
  } else if (blank) {
    const bool json = path.ends_with(".json");
    std::string list;
    for (const TypedHost& host : hosts) {
      list += json ? (list.empty() ? "" : ", ") + Item(host, json) : "\n  - " + Item(host, json);
    }
    changed = json ? "{\"hosts\": [" + list + "]}\n" : "hosts:" + list + "\n";
  } else {
    changed = IntoYaml(path, text, hosts);
  }
  // Whatever was done, the result must say what was meant.
  const std::size_t before = blank ? 0 : ParseCluster(path, text).cluster.hosts.size();
  const LoadedCluster after = changed ? ParseCluster(path, *changed) : LoadedCluster();
  bool right = changed && after.ok() && after.cluster.hosts.size() == before + hosts.size();
  for (std::size_t i = 0; right && i < hosts.size(); ++i) {
    const Host& added = after.cluster.hosts[before + i];
    right = added.address == hosts[i].host;
  }
  if (right) return *changed;
  std::string lines;
  for (const TypedHost& host : hosts) lines += " " + Item(host, /*json=*/false);
  return Error::Invalid(fmt::format("cannot see where hosts go in '{}'", path),
                        "write into the list hosts: by hand:" + lines);
}

}  // namespace dml::ssh
