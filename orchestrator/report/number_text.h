#pragma once

#include <string>

#include "base/json.h"

namespace dml::report {

// A measured value for people: four decimals below one, about five significant digits above,
// whole numbers as they are; "nan" and "inf" in words.
std::string NumberText(double value);

// A difference with its sign: "+0.0123".
std::string SignedNumberText(double value);

// A short tick label without superfluous zeros: "0.2", "1e+06", "15k".
std::string TickText(double value);

// A metric or a table cell: text as it is, numbers as NumberText, null as "-".
std::string CellText(const Json& value);

// "3.2 s", "1m 05s", "2h 03m", "85 ms": for durations that people compare. "?" if it is negative:
// the clock was set back between its two times.
std::string SecondsText(double seconds);

}  // namespace dml::report
