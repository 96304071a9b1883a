#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// One thing that is wrong with a pipeline, complete in itself: it outlives the document.
struct Diagnostic {
  Location where;  // line 0: about the file as a whole
  int width = 1;   // characters to underline
  int source_order = 0;
  std::string source_line;  // the line as written, or the part of a long one around the place
  std::size_t caret = 0;    // characters of source_line before the place
  std::string message;      // what is wrong and what was expected, without a full stop
  std::string hint;         // what to do about it; may be empty
};

// Collects everything that is wrong, so that a user mends a file in one go; after the thousandth
// fault it only counts. Single-threaded.
class Diagnostics {
 public:
  void Add(const Place& place, std::string message, std::string hint = {});
  // Of what is right and can hardly be meant: does not count.
  void Warn(const Place& place, std::string message, std::string hint = {});

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t size() const { return count_; }
  // Looking for similar names, or for the column of a reference, costs time that nobody needs after
  // so many errors.
  [[nodiscard]] bool wants_suggestions() const { return count_ < kSuggestionsMax; }
  [[nodiscard]] bool wants_detail() const { return wants_suggestions(); }
  // In file and line order, each message at one place once. Leaves the collector empty.
  [[nodiscard]] std::vector<Diagnostic> TakeSorted();
  // The same of the warnings.
  [[nodiscard]] std::vector<Diagnostic> TakeWarnings();

 private:
  static constexpr std::size_t kSuggestionsMax = 200;
  static constexpr std::size_t kKeptMax = 1000;

  std::vector<Diagnostic> items_;
  std::vector<Diagnostic> warnings_;
  std::size_t count_ = 0;
};

inline constexpr std::size_t kPrintedDiagnosticsMax = 50;

// Text for people: place, message, source line with a caret, hint; then "and N more".
std::string RenderText(const std::vector<Diagnostic>& diagnostics,
                       std::size_t limit = kPrintedDiagnosticsMax, std::string_view kind = "error");

// A list of {file, line, column, message, hint}, all of them: the form of `-o json`.
Json RenderJson(const std::vector<Diagnostic>& diagnostics);

}  // namespace dml::pipelines
