// SPDX-License-Identifier: Apache-2.0
// The gates over a vector type (kernels/lane_vector-inl.h); limited by memory.
#pragma once

#include "kernels/for_vectors-inl.h"
#include "kernels/gates.h"

namespace brt::kernels {
namespace {

template <class Vector, class T>
void fixed_gate_rows(const FixedGateArgs<T>& args, int64_t begin, int64_t end) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  const Type one = Vector::broadcast(1.0F);
  for (int64_t row = begin; row < end; ++row) {
    const float* state = args.state + row * args.width;
    const T* candidate = args.candidate + row * args.width;
    float* out = args.out + row * args.width;
    for_vectors<Vector>(args.width, [&](int64_t d, Mask mask) {
      const Type keep = Vector::load(args.keep + d, mask);
      const Type written =
          Vector::multiply(Vector::load(candidate + d, mask), Vector::subtract(one, keep));
      Vector::store(out + d, Vector::multiply_add(Vector::load(state + d, mask), keep, written),
                    mask);
    });
  }
}

template <class Vector, class T>
void fixed_gate_backward_rows(const FixedGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  const Type one = Vector::broadcast(1.0F);
  for (int64_t row = begin; row < end; ++row) {
    const float* out_gradient = args.out_gradient + row * args.width;
    const float* state = args.state + row * args.width;
    const T* candidate = args.candidate + row * args.width;
    float* state_gradient = args.state_gradient + row * args.width;
    T* candidate_gradient = args.candidate_gradient + row * args.width;
    for_vectors<Vector>(args.width, [&](int64_t d, Mask mask) {
      const Type keep = Vector::load(args.keep + d, mask);
      const Type gradient = Vector::load(out_gradient + d, mask);
      Vector::store(state_gradient + d, Vector::multiply(gradient, keep), mask);
      Vector::store(candidate_gradient + d, Vector::multiply(gradient, Vector::subtract(one, keep)),
                    mask);
      const Type change =
          Vector::subtract(Vector::load(state + d, mask), Vector::load(candidate + d, mask));
      float* keep_gradient = args.keep_gradient + d;
      Vector::store(keep_gradient,
                    Vector::multiply_add(gradient, change, Vector::load(keep_gradient, mask)),
                    mask);
    });
  }
}

/// 1 / (1 + e^-(x + offset))
template <class Vector>
inline __attribute__((always_inline)) typename Vector::Type sigmoid(const typename Vector::Type& x,
                                                                    float offset) {
  const typename Vector::Type one = Vector::broadcast(1.0F);
  const typename Vector::Type negative = Vector::subtract(Vector::broadcast(-offset), x);
  return Vector::divide(one, Vector::add(one, Vector::exponential(negative)));
}

template <class Vector, class T>
void lstm_gate_elements(const LstmGateArgs<T>& args, int64_t begin, int64_t end) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  for_vectors<Vector>(end - begin, [&](int64_t offset, Mask mask) {
    const int64_t i = begin + offset;
    const Type keep = sigmoid<Vector>(Vector::load(args.forget + i, mask), 1.0F);
    const Type write = sigmoid<Vector>(Vector::load(args.input + i, mask), -1.0F);
    const Type written = Vector::multiply(Vector::load(args.candidate + i, mask), write);
    Vector::store(args.out + i,
                  Vector::multiply_add(Vector::load(args.state + i, mask), keep, written), mask);
  });
}

template <class Vector, class T>
void lstm_gate_backward_elements(const LstmGateBackwardArgs<T>& args, int64_t begin, int64_t end) {
  using Type = typename Vector::Type;
  using Mask = typename Vector::Mask;
  const Type one = Vector::broadcast(1.0F);
  for_vectors<Vector>(end - begin, [&](int64_t offset, Mask mask) {
    const int64_t i = begin + offset;
    const Type gradient = Vector::load(args.out_gradient + i, mask);
    const Type keep = sigmoid<Vector>(Vector::load(args.forget + i, mask), 1.0F);
    const Type write = sigmoid<Vector>(Vector::load(args.input + i, mask), -1.0F);
    const Type of_state = Vector::multiply(gradient, keep);
    const Type of_candidate = Vector::multiply(gradient, write);
    const Type of_write = Vector::multiply(of_candidate, Vector::load(args.candidate + i, mask));
    const Type of_keep = Vector::multiply(of_state, Vector::load(args.state + i, mask));
    Vector::store(args.state_gradient + i, of_state, mask);
    Vector::store(args.candidate_gradient + i, of_candidate, mask);
    Vector::store(args.input_gradient + i, Vector::multiply(of_write, Vector::subtract(one, write)),
                  mask);
    Vector::store(args.forget_gradient + i, Vector::multiply(of_keep, Vector::subtract(one, keep)),
                  mask);
  });
}

}  // namespace
}  // namespace brt::kernels
