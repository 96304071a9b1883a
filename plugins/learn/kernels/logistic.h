#pragma once

#include <cstddef>

namespace dml::learn {

// What a pass over rows needs of the logistic loss, vectorised; same bits on every target with FMA.

// Binary: for each row, z is the logit and y is 0 or 1 (any value: rows of weight zero included).
//   loss = log(1 + e^z) - y z, without overflow;  residual = w (sigma(z) - y);
//   curvature = w sigma(z) (1 - sigma(z)).  `weight` may be null; `residual` or `curvature` too.
// Returns sum of w * loss, rows in order.
double BinaryLoss(const double* z, const double* y, const double* weight, std::size_t rows,
                  double* residual, double* curvature);

// Replaces rows x classes logits by probabilities (max-shifted), and returns
// sum of w * (logsumexp(z) - z_y). `y` may be null: then only probabilities.
double SoftmaxLoss(double* z, const double* y, const double* weight, std::size_t rows,
                   std::size_t classes);

// values[i] = 1 / (1 + exp(-values[i])).
void Sigmoid(double* values, std::size_t n);

}  // namespace dml::learn
