#pragma once

#include <string>
#include <vector>

#include "base/json.h"

// Panels are what a step adds to the run's report: plain Json of a few kinds, which the report
// draws without knowing what they mean. A step collects them and writes "panels.json" into its
// `report` output (kind kFile): {"panels": [...]}. Every panel has "type" and "title"; numbers that
// are not finite are null. docs/formats.md describes each type.

namespace dml::plugins {

struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
};

// Lines: ROC, precision-recall, objective history, residual quantiles.
Json LinesPanel(std::string title, std::string x_label, std::string y_label,
                const std::vector<Series>& series);
// Points: residuals against predictions, clusters in two principal components (a series each).
Json ScatterPanel(std::string title, std::string x_label, std::string y_label,
                  const std::vector<Series>& series);
// Horizontal bars, longest first as given: feature weights and importances.
Json BarsPanel(std::string title, const std::vector<std::string>& labels,
               const std::vector<double>& values);
// A square heat map: rows are true classes, columns predicted ones.
Json ConfusionPanel(std::string title, const std::vector<std::string>& classes,
                    const std::vector<std::vector<double>>& counts);
// Rows of text and numbers under headings.
Json TablePanel(std::string title, const std::vector<std::string>& columns,
                const std::vector<std::vector<Json>>& rows);
// Sentences: certificates and warnings. `level` is "info", "good" or "warning".
Json NotesPanel(std::string title, std::string level, const std::vector<std::string>& notes);

}  // namespace dml::plugins
