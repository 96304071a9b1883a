#include "pipelines/yaml/parse.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "pipelines/yaml/source_text.h"

namespace dml::pipelines {

namespace {

// Ends the parse from inside a callback; the diagnostic is already recorded.
struct StopParsing {};

constexpr std::size_t kLinearKeySearchMax = 12;

std::size_t CopyCost(const Node& node) {
  std::size_t cost = 1 + node.text.size() / 64;
  for (const Node::Key& key : node.keys) cost += 1 + key.text.size() / 64;
  for (const Node& item : node.items) cost += CopyCost(item);
  return cost;
}

int Depth(const Node& node) {
  int deepest = 0;
  for (const Node& item : node.items) deepest = std::max(deepest, Depth(item));
  return deepest + 1;
}

std::string_view SpelledNull(std::string_view rest) {
  for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
    if (rest.substr(0, word.size()) == word) return word;
  }
  return {};
}

// Builds the tree from parser events. yaml-cpp knows neither duplicate keys nor limits, and its own
// tree forgets where null values and keys are.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Source& source, Diagnostics& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  Node TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = PlaceOf(mark);
    node.text = SpelledNull(TextAt(mark));
    Finish(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag != "?" && tag != "!" && !tag.empty()) Stop(mark, "YAML tags are not supported");
    const bool plain = tag == "?";
    if (!plain) CheckClosed(mark);
    Node node = Node::Scalar(value, PlaceOf(mark), plain);
    node.place.width = Width(node);
    Finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) Stop(mark, "this alias refers to a node that contains it");
    copies_ += CopyCost(found->second);
    if (copies_ > kAliasCopiesMax) {
      Stop(mark, fmt::format("aliases expand to more than {} nodes", kAliasCopiesMax));
    }
    if (static_cast<int>(open_.size()) + Depth(found->second) > kNestingMax) StopTooDeep(mark);
    Finish(Node(found->second), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Node::Kind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Node::Kind::kMapping, mark, tag, anchor);
  }
  void OnMapEnd() override {
    CheckUniqueKeys(open_.back().node);
    Close();
  }

 private:
  struct OpenNode {
    Node node;
    YAML::anchor_t anchor = 0;
    bool expects_key = true;  // of a mapping
  };

  [[noreturn]] void Stop(const YAML::Mark& mark, std::string message, std::string hint = {}) {
    diagnostics_.Add(PlaceOf(mark), std::move(message), std::move(hint));
    throw StopParsing();
  }
  [[noreturn]] void StopTooDeep(const YAML::Mark& mark) {
    Stop(mark, fmt::format("more than {} levels of nesting", kNestingMax));
  }

  // yaml-cpp takes the end of the file for the missing quote.
  void CheckClosed(const YAML::Mark& mark) {
    const std::string_view text = TextAt(mark);
    const char quote = text.empty() ? '\0' : text.front();
    if (quote != '"' && quote != '\'') return;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (quote == '"' && text[i] == '\\') {
        ++i;
      } else if (text[i] == quote) {
        if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return;
        ++i;
      }
    }
    Stop(mark, "this quote is never closed", fmt::format("end the text with {}", quote));
  }

  [[nodiscard]] std::size_t LineStart(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(mark.line);
    return line < source_.line_starts.size() ? source_.line_starts[line] : source_.text.size();
  }

  [[nodiscard]] std::string_view TextAt(const YAML::Mark& mark) const {
    const std::size_t offset = LineStart(mark) + static_cast<std::size_t>(mark.column);
    return std::string_view(source_.text).substr(std::min(offset, source_.text.size()));
  }

  // Marks count bytes from 0; places count code points from 1. Marks mostly move forward, so the
  // count goes on from the last one: a file of one long line must not cost its square.
  [[nodiscard]] Place PlaceOf(const YAML::Mark& mark) {
    if (mark.line != last_.line || mark.column < last_.column) {
      last_ = YAML::Mark();
      last_.line = mark.line;
      last_column_ = 1;
    }
    const std::size_t start = LineStart(mark);
    const std::size_t end =
        std::min(start + static_cast<std::size_t>(mark.column), source_.text.size());
    for (std::size_t i = start + static_cast<std::size_t>(last_.column); i < end; ++i) {
      if ((static_cast<unsigned char>(source_.text[i]) & 0xC0U) != 0x80U) ++last_column_;
    }
    last_.column = mark.column;
    return {&source_, mark.line + 1, last_column_, 1};
  }

  [[nodiscard]] static int Width(const Node& scalar) {
    const std::size_t end = scalar.text.find('\n');
    int width = scalar.plain ? 0 : 2;
    for (const char c : std::string_view(scalar.text).substr(0, end)) {
      if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++width;
    }
    return std::max(width, 1);
  }

  void Open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    if (tag != "?" && !tag.empty()) Stop(mark, "YAML tags are not supported");
    if (static_cast<int>(open_.size()) >= kNestingMax) StopTooDeep(mark);
    if (!open_.empty() && open_.back().node.is_mapping() && open_.back().expects_key) {
      Stop(mark, "a key must be text, not a list or a mapping",
           "check that every [ and { is closed, and put quotes around text that begins with one");
    }
    OpenNode open;
    open.node.kind = kind;
    open.node.place = PlaceOf(mark);
    open.anchor = anchor;
    open_.push_back(std::move(open));
  }

  void Close() {
    OpenNode closed = std::move(open_.back());
    open_.pop_back();
    Finish(std::move(closed.node), closed.anchor);
  }

  // Hands a complete node to its parent.
  void Finish(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_.insert_or_assign(anchor, node);
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node.is_mapping() && parent.expects_key) {
      parent.node.keys.push_back({std::move(node.text), node.place});
      parent.expects_key = false;
      return;
    }
    parent.node.items.push_back(std::move(node));
    parent.expects_key = true;
  }

  void CheckUniqueKeys(const Node& mapping) {
    if (mapping.keys.size() <= kLinearKeySearchMax) {
      for (std::size_t i = 1; i < mapping.keys.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          if (mapping.keys[i].text == mapping.keys[j].text) {
            ReportDuplicate(mapping.keys[i], mapping.keys[j]);
            break;
          }
        }
      }
      return;
    }
    std::unordered_map<std::string_view, const Node::Key*> seen;
    for (const Node::Key& key : mapping.keys) {
      const auto [first, inserted] = seen.emplace(key.text, &key);
      if (!inserted) ReportDuplicate(key, *first->second);
    }
  }

  void ReportDuplicate(const Node::Key& key, const Node::Key& first) {
    diagnostics_.Add(
        key.place, fmt::format("duplicate key '{}'", key.text),
        fmt::format("it was given first on line {}; keep one of them", first.place.line));
  }

  const Source& source_;
  Diagnostics& diagnostics_;
  Node root_;
  std::vector<OpenNode> open_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;
  std::size_t copies_ = 0;
  YAML::Mark last_;  // of PlaceOf
  int last_column_ = 1;
};

// yaml-cpp's messages with the usual cause in words of the file.
std::string SyntaxHint(const Source& source, int line) {
  const std::string_view text = source.Line(line);
  const std::size_t indent = text.find_first_not_of(" \t");
  if (text.substr(0, indent).find('\t') != std::string_view::npos) {
    return "the line is indented with a tab; YAML allows only spaces";
  }
  const std::string_view content = indent == std::string_view::npos ? "" : text.substr(indent);
  if (content.find("${") != std::string_view::npos && content.find('{') != std::string_view::npos) {
    return "inside [...] or {...} put quotes around references: \"${params.x}\"";
  }
  return "check the indentation, and that brackets and quotes are closed";
}

void ReportSyntaxError(const Source& source, const YAML::Exception& error,
                       Diagnostics& diagnostics) {
  const auto lines = static_cast<int>(source.line_starts.size());
  const int line = error.mark.is_null() ? 1 : std::min(error.mark.line + 1, lines);
  const int column = error.mark.is_null() ? 1 : error.mark.column + 1;
  diagnostics.Add({&source, line, column, 1}, fmt::format("not valid YAML: {}", error.msg),
                  SyntaxHint(source, line));
}

}  // namespace

std::shared_ptr<const Source> MakeSource(std::string name, std::string directory, std::string text,
                                         int order) {
  auto source = std::make_shared<Source>();
  source->name = std::move(name);
  source->directory = std::move(directory);
  source->text = std::move(text);
  source->order = order;
  if (source->text.starts_with("\xEF\xBB\xBF")) source->text.erase(0, 3);
  source->line_starts.push_back(0);
  for (std::size_t i = 0; i < source->text.size(); ++i) {
    if (source->text[i] == '\n') source->line_starts.push_back(i + 1);
  }
  return source;
}

std::optional<Document> ParseYaml(std::shared_ptr<const Source> source, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.size();
  if (!CheckText(*source, diagnostics)) return std::nullopt;
  TreeBuilder builder(*source, diagnostics);
  try {
    std::istringstream stream(source->text);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    Node root = builder.TakeRoot();
    TreeBuilder rest(*source, diagnostics);
    if (parser.HandleNextDocument(rest)) {
      diagnostics.Add(rest.TakeRoot().place, "a second YAML document begins here",
                      "a pipeline file holds one document; remove the '---' line");
    }
    if (diagnostics.size() > before) return std::nullopt;
    return Document{std::move(source), std::move(root)};
  } catch (const StopParsing&) {
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    ReportSyntaxError(*source, error, diagnostics);
    return std::nullopt;
  }
}

}  // namespace dml::pipelines
