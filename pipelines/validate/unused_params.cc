#include <fmt/format.h>

#include <cctype>

#include "pipelines/validate/context.h"

namespace dml::pipelines {

namespace {

bool IsNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// Whether `text` mentions a parameter, be it in a comment: nothing is said of what is doubtful.
bool Mentions(std::string_view text, const std::string& name) {
  const std::string reference = "params." + name;
  for (std::size_t at = text.find(reference); at != std::string_view::npos;
       at = text.find(reference, at + 1)) {
    const std::size_t end = at + reference.size();
    if (end == text.size() || !IsNameCharacter(text[end])) return true;
  }
  return false;
}

}  // namespace

void WarnOfUnusedParams(ValidateContext& context) {
  for (const FileDecl& file : context.pipeline.files) {
    const Node* params = file.document->root.Find("params");
    if (params == nullptr || !params->is_mapping()) continue;
    for (const Node::Key& key : params->keys) {
      if (Mentions(file.document->source->text, key.text)) continue;
      context.diagnostics.Warn(key.place, fmt::format("the parameter '{}' is not used", key.text),
                               fmt::format("write ${{params.{}}} where its value belongs, or leave "
                                           "it out",
                                           key.text));
    }
  }
}

}  // namespace dml::pipelines
