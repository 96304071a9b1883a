#pragma once

#include <limits>
#include <string>
#include <vector>

#include "base/json.h"

// The drawings behind PanelHtml, one file each. They may throw Json exceptions on malformed
// panels; PanelHtml turns these into a note.

namespace dml::report {

std::string LinesBody(const Json& panel);
std::string ScatterBody(const Json& panel);
std::string BarsBody(const Json& panel);
std::string ConfusionBody(const Json& panel);
std::string TableBody(const Json& panel);
std::string NotesBody(const Json& panel);

// The numbers of an array; null and what no axis can hold become NaN.
std::vector<double> NumbersOf(const Json& array);

}  // namespace dml::report
