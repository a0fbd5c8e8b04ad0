// SPDX-License-Identifier: Apache-2.0
// One update of Adafactor. Sums are in float64 and in an order that depends on the range only.
#include "kernels/adafactor_update.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/sum_of_squares.h"

namespace brt::kernels {
namespace {

constexpr int64_t kBlock = 512;  // values of u that are summed while they are in the first cache

template <class T>
void check(const FactoredChange<T>& change, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_matrix(change.gradient, end, change.columns, change.columns));
  BRT_ASSERT(is_array(change.row_factor, end));
  BRT_ASSERT(end == 0 || is_array(change.column_factor, change.columns));
}

template <class T>
void check(const FullChange<T>& change, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_array(change.gradient, end));
  BRT_ASSERT(is_array(change.second_moment, end));
  BRT_ASSERT(are_apart(change.gradient, end, change.second_moment, end));
}

/// Of `count` elements.
template <class T>
void check(const AdafactorWeight<T>& target, const T* gradient, int64_t count) {
  BRT_ASSERT(is_array(target.momentum, count));
  BRT_ASSERT(is_array(target.weight, count));
  BRT_ASSERT(are_apart(target.momentum, count, target.weight, count));
  BRT_ASSERT(are_apart(gradient, count, target.momentum, count));
  BRT_ASSERT(are_apart(gradient, count, target.weight, count));
}

}  // namespace

template <class T>
void adafactor_add_squares(const T* gradient,
                           int64_t columns,
                           int64_t begin,
                           int64_t end,
                           double* row_sums,
                           double* column_sums) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_matrix(gradient, end, columns, columns));
  BRT_ASSERT(is_array(row_sums, end));
  BRT_ASSERT(end == 0 || is_array(column_sums, columns));
  for (int64_t row = begin; row < end; ++row) {
    const T* __restrict row_gradient = gradient + row * columns;
    double* __restrict sums = column_sums;
    row_sums[row] = sum_of_squares(row_gradient, 0, columns);
    for (int64_t j = 0; j < columns; ++j) {
      const double value = static_cast<double>(row_gradient[j]);
      sums[j] += value * value;
    }
  }
}

template <class T>
double adafactor_change_squares(const FactoredChange<T>& change, int64_t begin, int64_t end) {
  check(change, begin, end);
  T block[kBlock];
  double total = 0.0;
  for (int64_t row = begin; row < end; ++row) {
    const T* gradient = change.gradient + row * change.columns;
    const T row_factor = change.row_factor[row];
    for (int64_t first = 0; first < change.columns; first += kBlock) {
      const int64_t size = std::min(kBlock, change.columns - first);
      for (int64_t j = 0; j < size; ++j) {
        block[j] = gradient[first + j] * row_factor * change.column_factor[first + j];
      }
      total += sum_of_squares(block, 0, size);
    }
  }
  return total;
}

template <class T>
void adafactor_apply(const FactoredChange<T>& change,
                     const AdafactorWeight<T>& target,
                     int64_t begin,
                     int64_t end) {
  check(change, begin, end);
  check(target, change.gradient, end * change.columns);
  const T beta1 = static_cast<T>(target.beta1);
  const T gain = static_cast<T>((1.0 - target.beta1) * target.change_scale);
  for (int64_t row = begin; row < end; ++row) {
    const T* __restrict gradient = change.gradient + row * change.columns;
    const T* __restrict column_factor = change.column_factor;
    T* __restrict momentum = target.momentum + row * change.columns;
    T* __restrict weight = target.weight + row * change.columns;
    const T row_factor = change.row_factor[row];
    for (int64_t j = 0; j < change.columns; ++j) {
      const T u = gradient[j] * row_factor * column_factor[j];
      const T m = beta1 * momentum[j] + gain * u;
      momentum[j] = m;
      weight[j] -= m;
    }
  }
}

template <class T>
double adafactor_second_moment(
    const FullChange<T>& change, double beta, double square_floor, int64_t begin, int64_t end) {
  check(change, begin, end);
  T block[kBlock];
  const T scale = static_cast<T>(change.gradient_scale);
  const T keep = static_cast<T>(beta);
  const T gain = static_cast<T>(1.0 - beta);
  const T floor = static_cast<T>(square_floor);
  double total = 0.0;
  for (int64_t first = begin; first < end; first += kBlock) {
    const int64_t size = std::min(kBlock, end - first);
    const T* __restrict gradient = change.gradient + first;
    T* __restrict second_moment = change.second_moment + first;
    for (int64_t i = 0; i < size; ++i) {
      const T g = gradient[i] * scale;
      const T v = keep * second_moment[i] + gain * (g * g + floor);
      second_moment[i] = v;
      block[i] = g / std::sqrt(v);
    }
    total += sum_of_squares(block, 0, size);
  }
  return total;
}

template <class T>
void adafactor_apply(const FullChange<T>& change,
                     const AdafactorWeight<T>& target,
                     int64_t begin,
                     int64_t end) {
  check(change, begin, end);
  check(target, change.gradient, end);
  const T* __restrict gradient = change.gradient;
  const T* __restrict second_moment = change.second_moment;
  T* __restrict momentum = target.momentum;
  T* __restrict weight = target.weight;
  const T scale = static_cast<T>(change.gradient_scale);
  const T beta1 = static_cast<T>(target.beta1);
  const T gain = static_cast<T>((1.0 - target.beta1) * target.change_scale);
  for (int64_t i = begin; i < end; ++i) {
    const T u = gradient[i] * scale / std::sqrt(second_moment[i]);
    const T m = beta1 * momentum[i] + gain * u;
    momentum[i] = m;
    weight[i] -= m;
  }
}

#define BRT_ADAFACTOR_FOR(T)                                                                       \
  template void adafactor_add_squares(const T*, int64_t, int64_t, int64_t, double*, double*);      \
  template double adafactor_change_squares(const FactoredChange<T>&, int64_t, int64_t);            \
  template double adafactor_second_moment(const FullChange<T>&, double, double, int64_t, int64_t); \
  template void adafactor_apply(const FactoredChange<T>&, const AdafactorWeight<T>&, int64_t,      \
                                int64_t);                                                          \
  template void adafactor_apply(const FullChange<T>&, const AdafactorWeight<T>&, int64_t, int64_t)
BRT_ADAFACTOR_FOR(float);
BRT_ADAFACTOR_FOR(double);
#undef BRT_ADAFACTOR_FOR

}  // namespace brt::kernels
