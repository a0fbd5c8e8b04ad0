// SPDX-License-Identifier: Apache-2.0
// One update of Adafactor over a range of a tensor's rows or elements: three passes over memory for
// a factored second moment, two for a full one. T is float or double; no array may overlap another.
#pragma once

#include <cstdint>

namespace brt::kernels {

/// The change u of a factored matrix before its clipping: u_ij = g_ij row_factor_i column_factor_j.
/// It is computed again where it is needed: reading g twice costs less than writing u.
template <class T>
struct FactoredChange {
  const T* gradient;       ///< [rows, columns]
  const T* row_factor;     ///< [rows]
  const T* column_factor;  ///< [columns]
  int64_t columns;
};

/// The change of a tensor with a full second moment v: u = g gradient_scale / sqrt(v).
template <class T>
struct FullChange {
  const T* gradient;
  T* second_moment;
  double gradient_scale;
};

/// Where a change goes: m = beta1 m + (1-beta1) change_scale u;  p = p - m.
template <class T>
struct AdafactorWeight {
  T* momentum;
  T* weight;
  double beta1;
  double change_scale;
};

/// Factored, first pass over the rows [begin, end): row_sums[i] = sum_j g_ij^2, and
/// column_sums[j] += sum_i g_ij^2.
/// @param row_sums     [rows]
/// @param column_sums  [columns]
template <class T>
void adafactor_add_squares(const T* gradient,
                           int64_t columns,
                           int64_t begin,
                           int64_t end,
                           double* row_sums,
                           double* column_sums);

/// Factored, second pass: the sum of u^2 over the rows [begin, end).
template <class T>
double adafactor_change_squares(const FactoredChange<T>& change, int64_t begin, int64_t end);

/// Factored, third pass: momentum and weight of the rows [begin, end).
template <class T>
void adafactor_apply(const FactoredChange<T>& change,
                     const AdafactorWeight<T>& target,
                     int64_t begin,
                     int64_t end);

/// Full, first pass over the elements [begin, end):
/// v = beta v + (1-beta) ((g gradient_scale)^2 + square_floor).
/// @return the sum of u^2
template <class T>
double adafactor_second_moment(
    const FullChange<T>& change, double beta, double square_floor, int64_t begin, int64_t end);

/// Full, second pass: momentum and weight of the elements [begin, end).
template <class T>
void adafactor_apply(const FullChange<T>& change,
                     const AdafactorWeight<T>& target,
                     int64_t begin,
                     int64_t end);

}  // namespace brt::kernels
