#pragma once

#include <limits>
#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/learn/moments.h"

namespace dml::learn {

// Value, gradient and, if wanted, Hessian of the mean logistic objective at some parameters.
struct LogisticValue {
  double value = 0.0;
  std::vector<double> gradient;
  std::vector<double> hessian;  // size x size, upper triangle; empty if not wanted
  double lowest_margin = 0.0;   // smallest z_y - max z_other over the rows: > 0 separates them
};

// The objective of logistic_regression.h over a data source, one pass per evaluation. Parameters
// are outputs x (features + 1), the intercept last in each row, for rows from which `shift` is
// subtracted: the means of the features, for the sake of conditioning. Not copyable, used by one
// thread at a time; references must outlive it.
class LogisticObjective {
 public:
  // Counts the classes and takes the moments: two passes. kInvalid for targets that cannot be fit.
  static Result<LogisticObjective> Make(const DataSource& source, int classes,
                                        const LogisticOptions& options, const Execution& execution);

  enum class Want { kGradient, kHessian };
  Result<LogisticValue> Evaluate(const std::vector<double>& parameters, Want want) const;

  [[nodiscard]] std::size_t outputs() const { return present_.size() == 2 ? 1 : present_.size(); }
  [[nodiscard]] std::size_t features() const { return shift_.size(); }
  [[nodiscard]] std::size_t size() const { return outputs() * (features() + 1); }
  // Per parameter, the size of a change of it that matters: 1 / sqrt(second moment of what it
  // multiplies + what the penalty adds). Norm() is the largest entry of a gradient by parameters in
  // these units, so that it does not depend on the units of the features.
  [[nodiscard]] const std::vector<double>& deviations() const { return deviations_; }
  [[nodiscard]] double Norm(const std::vector<double>& gradient) const;
  // Rows per class index, of positive weight.
  [[nodiscard]] const std::vector<double>& class_rows() const { return class_rows_; }
  // The same objective with the loss taken over other rows: a sample of the source's. The penalty
  // stays what it is beside the mean loss. References as in Make.
  Result<LogisticObjective> Over(const DataSource& rows, const Execution& execution) const;
  // The parameters for rows as they are, as a predictor.
  [[nodiscard]] std::unique_ptr<LogisticPredictor> MakePredictor(
      const std::vector<double>& parameters) const;
  [[nodiscard]] const std::vector<int>& present() const { return present_; }

 private:
  struct Rows;   // targets and weights of a tile, as this objective sees them
  struct Stats;  // what a tile contributes

  LogisticObjective(const DataSource& source, const LogisticOptions& options,
                    const Execution& execution)
      : source_(&source), options_(&options), execution_(&execution) {}

  Result<void> SetClassWeights(const std::vector<double>& counts);
  [[nodiscard]] double WeightOf(const std::vector<double>& counts) const;
  void SetCoordinates(const Moments& moments);
  void FillRows(const Tile& tile, Rows& rows) const;
  void AddBinary(const Tile& tile, const std::vector<double>& weights,
                 const std::vector<double>& intercepts, Want want, Stats& out) const;
  void AddMultinomial(const Tile& tile, const std::vector<double>& weights,
                      const std::vector<double>& intercepts, Want want, Stats& out) const;
  void AddPenalty(const std::vector<double>& parameters, LogisticValue& out) const;
  void FixFreeDirections(std::vector<double>& hessian) const;

  const DataSource* source_;
  const LogisticOptions* options_;
  const Execution* execution_;
  std::size_t classes_ = 0;
  std::vector<int> present_;           // class indices with rows
  std::vector<double> class_weights_;  // by class index
  std::vector<int> position_;          // class index -> index in present_
  std::vector<double> shift_;          // zeros for sparse data
  std::vector<double> deviations_;     // see deviations()
  std::vector<double> class_rows_;
  double total_weight_ = 0.0;
  double strength_ = 0.0;  // of the penalty: 1 / (C x total weight of the source)
};

}  // namespace dml::learn
