#pragma once

#include <string_view>
#include <vector>

#include "plugins/steps/transform/transform.h"

namespace dml::steps {

// Every transform of this build, in the order of the reference page.
[[nodiscard]] const std::vector<TransformType>& TransformTypes();
// Null if there is none of that name.
[[nodiscard]] const TransformType* FindTransformType(std::string_view name);
// How often the results of any of them have changed: grows with every version of one.
[[nodiscard]] int TransformChanges();

// The families, one file each.
void AddColumnTransforms(std::vector<TransformType>& types);      // select drop rename
void AddCastTransform(std::vector<TransformType>& types);         // cast
void AddMissingTransforms(std::vector<TransformType>& types);     // impute
void AddDropMissingRule(std::vector<TransformType>& types);       // drop_missing
void AddFilterRule(std::vector<TransformType>& types);            // filter
void AddShapeTransforms(std::vector<TransformType>& types);       // clip log
void AddScalingTransforms(std::vector<TransformType>& types);     // standardize min_max robust
void AddNormalizeTransform(std::vector<TransformType>& types);    // normalize
void AddOneHotTransform(std::vector<TransformType>& types);       // one_hot
void AddOrdinalTransform(std::vector<TransformType>& types);      // ordinal
void AddBinTransform(std::vector<TransformType>& types);          // bin
void AddPolynomialTransform(std::vector<TransformType>& types);   // polynomial
void AddVectorizerTransforms(std::vector<TransformType>& types);  // tfidf count_vectorizer
void AddHashingTransform(std::vector<TransformType>& types);      // hashing
void AddDateTransforms(std::vector<TransformType>& types);        // date_parts
void AddDeriveTransform(std::vector<TransformType>& types);       // derive

}  // namespace dml::steps
