#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "pipelines/yaml/location.h"

namespace dml::pipelines {

// One text that was read: a pipeline file, an included file, or the text of a `-S` override.
// Immutable once parsed; every Place of its nodes points to it.
struct Source {
  std::string name;       // as the user wrote it
  std::string directory;  // absolute; relative paths written in this text start here
  std::string text;
  std::vector<std::size_t> line_starts;  // byte offset of each line
  int order = 0;                         // 0 for the main file: the order of diagnostics

  // The text of a line (from 1) without its line break; "" past the end.
  [[nodiscard]] std::string_view Line(int line) const;
};

// Where a node begins. `width` is how many characters a caret underlines.
struct Place {
  const Source* source = nullptr;
  int line = 0;
  int column = 0;
  int width = 1;

  [[nodiscard]] Location ToLocation() const;
};

// A node of a document, owned by its parent. Mapping entries keep their order; keys are scalars
// and are unique. Aliases are expanded: the tree has no sharing.
struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMapping };

  struct Key {
    std::string text;
    Place place;
  };

  Kind kind = Kind::kNull;
  bool plain = true;        // a scalar without quotes, whose type follows from its text
  bool literal = false;     // the text is final: "${" in it means nothing
  std::string text;         // of a scalar, and of a null that is spelled out
  std::vector<Node> items;  // of a sequence, or the values of a mapping
  std::vector<Key> keys;    // of a mapping: keys[i] belongs to items[i]
  Place place;

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_sequence() const { return kind == Kind::kSequence; }
  [[nodiscard]] bool is_mapping() const { return kind == Kind::kMapping; }
  // The value of a key of a mapping, or null.
  [[nodiscard]] const Node* Find(std::string_view key) const;

  static Node Scalar(std::string text, Place place, bool plain = true);
};

// A parsed text.
struct Document {
  std::shared_ptr<const Source> source;
  Node root;
};

}  // namespace dml::pipelines
