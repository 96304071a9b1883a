#pragma once

namespace dml::report {

// The style sheet of the report: one set of rules over variables that the light and the dark theme
// define. Series colours keep a contrast of 3:1 on both backgrounds.
extern const char* const kStyleSheet;

// Sorts a table by the column whose heading is clicked. The only script; the page is complete
// without it.
extern const char* const kSortScript;

}  // namespace dml::report
