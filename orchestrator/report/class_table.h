#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"

namespace dml::report {

// The figures by class that an evaluation measured, `per_class` of its metrics, as a table: a row a
// class, in numeric order where all names are numbers; columns are those of scikit-learn's report.
// Empty if there are none. On a narrow terminal names of classes are cut, figures never.
std::string ClassTableText(const std::string& task, const Json& metrics, std::size_t width);

}  // namespace dml::report
