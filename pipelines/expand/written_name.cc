#include "pipelines/expand/written_name.h"

#include <deque>

#include "pipelines/yaml/parse.h"

namespace dml::pipelines {

namespace {

// The text in quotes behind the first word for a column; "" if there is none.
std::string_view ColumnIn(std::string_view message) {
  for (const std::string_view word : {"column '", "target '"}) {
    const std::size_t found = message.find(word);
    if (found == std::string_view::npos) continue;
    const std::size_t begin = found + word.size();
    const std::size_t end = message.find('\'', begin);
    return end == std::string_view::npos ? "" : message.substr(begin, end - begin);
  }
  return "";
}

const Node* FindStep(const Node& root, std::string_view id, const Location& where) {
  const Node* steps = root.is_mapping() ? root.Find("steps") : nullptr;
  if (steps == nullptr || !steps->is_sequence()) return nullptr;
  for (const Node& step : steps->items) {
    if (step.place.line != where.line || step.place.column != where.column) continue;
    const Node* name = step.is_mapping() ? step.Find("id") : nullptr;
    return name != nullptr && name->text == id ? &step : nullptr;
  }
  return nullptr;
}

// Level by level: what stands higher is meant rather than what is nested in it.
const Place* FindText(const Node& params, std::string_view text) {
  std::deque<const Node*> open;
  for (const Node& value : params.items) open.push_back(&value);
  for (; !open.empty(); open.pop_front()) {
    const Node& node = *open.front();
    if (node.is_scalar() && node.text == text) return &node.place;
    for (const Node::Key& key : node.keys) {
      if (key.text == text) return &key.place;
    }
    for (const Node& item : node.items) open.push_back(&item);
  }
  return nullptr;
}

}  // namespace

std::optional<Location> FindWrittenName(const std::string& text, std::string_view id,
                                        const Location& where, std::string_view message) {
  const std::string_view column = ColumnIn(message);
  if (column.empty()) return std::nullopt;
  Diagnostics ignored;
  const auto document = ParseYaml(MakeSource(where.file, "", text, /*order=*/0), ignored);
  const Node* step = document ? FindStep(document->root, id, where) : nullptr;
  const Node* with = step == nullptr ? nullptr : step->Find("with");
  const Place* place = with == nullptr ? nullptr : FindText(*with, column);
  if (place == nullptr) return std::nullopt;
  return place->ToLocation();
}

}  // namespace dml::pipelines
