#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dml::tidy {

// A function, type, constant or other thing that a file declares outside of functions and types.
struct DeclaredName {
  enum class Kind { kFunction, kType, kAlias, kValue };

  std::string name;  // with the namespaces that have one: "dml::cli::Shown"
  Kind kind = Kind::kValue;
  std::string meaning;   // the types of a function's parameters; what an alias stands for
  std::size_t line = 0;  // from 1
};

// What a source file declares for itself: in an anonymous namespace, or as another name for
// something, wherever in a namespace that stands.
std::vector<DeclaredName> LocalNamesOf(const std::vector<std::string>& lines);

// What a header declares for whoever includes it, aliases left out.
std::vector<DeclaredName> SharedNamesOf(const std::vector<std::string>& lines);

// Whether files that are compiled as one may not both declare them, of which one at least is local:
// overloads may be, and two aliases of one thing.
bool Clash(const DeclaredName& one, const DeclaredName& other);

}  // namespace dml::tidy
