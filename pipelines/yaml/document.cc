#include "pipelines/yaml/document.h"

#include <utility>

namespace dml::pipelines {

std::string_view Source::Line(int line) const {
  if (line < 1 || static_cast<std::size_t>(line) > line_starts.size()) return {};
  const std::size_t begin = line_starts[static_cast<std::size_t>(line) - 1];
  std::string_view rest = std::string_view(text).substr(begin);
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

Location Place::ToLocation() const {
  return {source == nullptr ? std::string() : source->name, line, column};
}

const Node* Node::Find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

Node Node::Scalar(std::string text, Place place, bool plain) {
  Node node;
  node.kind = Kind::kScalar;
  node.plain = plain;
  node.text = std::move(text);
  node.place = place;
  return node;
}

}  // namespace dml::pipelines
