// SPDX-License-Identifier: Apache-2.0
// Seeded random tensors, and comparisons that say where two tensors differ most.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

namespace brt {

/// Normal numbers of a seed, drawn in float64 so that every dtype gets the same ones.
inline at::Tensor random_tensor(at::IntArrayRef sizes,
                                uint64_t seed,
                                at::ScalarType dtype = at::kDouble,
                                double deviation = 1.0) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  at::Tensor values = at::empty(sizes, at::kDouble);
  return values.normal_(0.0, deviation, generator).to(dtype);
}

/// Integers in [0, limit) of a seed, int64.
inline at::Tensor random_tokens(at::IntArrayRef sizes, int64_t limit, uint64_t seed) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::empty(sizes, at::kLong).random_(0, limit, generator);
}

/// "[1, 0, 3]" for an element's place in the flattened tensor.
inline std::string index_text(at::IntArrayRef sizes, int64_t element) {
  std::string text;
  for (int64_t i = static_cast<int64_t>(sizes.size()) - 1; i >= 0; --i) {
    const int64_t size = sizes[static_cast<size_t>(i)];
    text = std::to_string(element % size) + (text.empty() ? "" : ", ") + text;
    element /= size;
  }
  return "[" + text + "]";
}

inline std::string first_values_text(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.flatten().to(at::kDouble);
  std::ostringstream text;
  text.precision(9);
  for (int64_t i = 0; i < std::min<int64_t>(flat.numel(), 4); ++i) {
    text << (i == 0 ? "" : " ") << flat[i].item<double>();
  }
  return text.str();
}

/// Whether every element of `got` lies within tolerance * max(1, largest |want|) of `want`. NaN
/// never does.
inline testing::AssertionResult near(const at::Tensor& got,
                                     const at::Tensor& want,
                                     double tolerance) {
  if (!got.defined() || !want.defined()) {
    return testing::AssertionFailure() << "a tensor is undefined";
  }
  if (got.sizes() != want.sizes()) {
    return testing::AssertionFailure() << "sizes " << got.sizes() << ", want " << want.sizes();
  }
  if (got.numel() == 0) {
    return testing::AssertionSuccess();
  }
  const at::Tensor got_flat = got.detach().to(at::kDouble).flatten();
  const at::Tensor want_flat = want.detach().to(at::kDouble).flatten();
  const at::Tensor error =
      (got_flat - want_flat).abs().nan_to_num(std::numeric_limits<double>::infinity());
  const int64_t worst = error.argmax().item<int64_t>();
  const double limit = tolerance * std::max(1.0, want_flat.abs().max().item<double>());
  if (error[worst].item<double>() <= limit) {
    return testing::AssertionSuccess();
  }
  testing::AssertionResult failure = testing::AssertionFailure();
  failure << "worst at " << index_text(got.sizes(), worst) << ": got "
          << got_flat[worst].item<double>() << ", want " << want_flat[worst].item<double>()
          << ", error " << error[worst].item<double>() << " > " << limit << "; first values got "
          << first_values_text(got_flat) << ", want " << first_values_text(want_flat);
  return failure;
}

/// Whether two tensors have the same sizes, dtype and values, to the last bit.
inline testing::AssertionResult bit_equal(const at::Tensor& got, const at::Tensor& want) {
  if (!got.defined() || !want.defined()) {
    return testing::AssertionFailure() << "a tensor is undefined";
  }
  if (got.scalar_type() != want.scalar_type()) {
    return testing::AssertionFailure() << got.scalar_type() << ", want " << want.scalar_type();
  }
  if (got.sizes() == want.sizes() && at::equal(got, want)) {
    return testing::AssertionSuccess();
  }
  const testing::AssertionResult difference = near(got, want, 0.0);
  return testing::AssertionFailure() << "not bit-equal: " << difference.message();
}

/// The same values in memory of another order: the last two axes are stored transposed.
inline at::Tensor non_contiguous(const at::Tensor& tensor) {
  return tensor.transpose(-1, -2).contiguous().transpose(-1, -2);
}

/// The message of what `call` throws, which must be an `ExpectedError`; empty if it throws nothing.
template <class ExpectedError, class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const ExpectedError& error) {
    return error.what();
  }
  return "";
}

}  // namespace brt
