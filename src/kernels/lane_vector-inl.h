// SPDX-License-Identifier: Apache-2.0
// Sixteen float32 for the loops that are written over a vector type, in the vector extension of g++
// and clang: as many registers as the file's target needs for them. What a vector type offers:
//
//   struct Vector {
//     using Type, Mask;
//     static constexpr int64_t kSize = 16;
//     static constexpr int kSumVectors;                // that a product can keep in registers
//     static Mask first(int64_t count);                // lanes [0, count)
//     static Type load(const T* from, Mask);           // other lanes are zero
//     static void store(T* to, Type, Mask);
//     static Type load(const float* from);             // all lanes
//     static void store(float* to, Type);
//     static void load_pairs(const Bfloat16* from, Type& even, Type& odd);  // of 16 pairs
//     static Type broadcast(float value);
//     static Type add(Type a, Type b, Mask), max(Type a, Type b, Mask);     // a in other lanes
//     static Type add(Type a, Type b), subtract(Type a, Type b), multiply(Type a, Type b);
//     static Type divide(Type a, Type b), multiply_add(Type a, Type b, Type c);  // a b + c
//     static Type exponential(Type x);                 // to 3e-7, relative; NaN of NaN
//     static Type power_of_two(Type x, Mask);          // 2^x; 0 in other lanes, of x <
//     kSmallestPower static float largest(Type), total(Type);         // of all lanes; the sum by
//     halves
//   };
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/bfloat16.h"
#include "kernels/exp_coefficients-inl.h"

namespace brt::kernels {
namespace {

#if defined(__AVX512F__)
constexpr int64_t kRegisterLanes = 16;
constexpr int kRegisters = 32;
#elif defined(__AVX2__)
constexpr int64_t kRegisterLanes = 8;
constexpr int kRegisters = 16;
#elif defined(__aarch64__)
constexpr int64_t kRegisterLanes = 4;
constexpr int kRegisters = 32;
#else  // SSE2 and whatever else: g++ takes vectors apart where a CPU has none
constexpr int64_t kRegisterLanes = 4;
constexpr int kRegisters = 16;
#endif

struct LaneVector {
  using Register [[gnu::vector_size(kRegisterLanes * sizeof(float))]] = float;
  using Integers [[gnu::vector_size(kRegisterLanes * sizeof(int32_t))]] = int32_t;
  using Halves [[gnu::vector_size(kRegisterLanes * sizeof(uint16_t))]] = uint16_t;
  using Mask = int64_t;  ///< a count of lanes
  static constexpr int64_t kSize = 16;
  static constexpr int kParts = static_cast<int>(kSize / kRegisterLanes);
  static constexpr int kSumVectors = kRegisters * 3 / 4 / kParts;
  struct Type {
    Register part[kParts];
  };

  static Mask first(int64_t count) { return count; }
  static Type load(const float* from) {
    return each([&](int i) { return load_register(from + i * kRegisterLanes); });
  }
  static Type load(const float* from, Mask mask) {
    if (mask >= kSize) {
      return load(from);
    }
    float lanes[kSize] = {};
    std::memcpy(lanes, from, static_cast<size_t>(mask) * sizeof(float));
    return load(lanes);
  }
  static Type load(const Bfloat16* from, Mask mask) {
    Bfloat16 lanes[kSize] = {};
    if (mask < kSize) {
      std::memcpy(lanes, from, static_cast<size_t>(mask) * sizeof(Bfloat16));
      from = lanes;
    }
    return each([&](int i) {
      Halves halves;
      std::memcpy(&halves, from + i * kRegisterLanes, sizeof(halves));
      return as_floats(__builtin_convertvector(halves, Integers) << 16);
    });
  }
  static void load_pairs(const Bfloat16* from, Type& even, Type& odd) {
    for (int i = 0; i < kParts; ++i) {
      Integers pairs;
      std::memcpy(&pairs, from + 2 * kRegisterLanes * i, sizeof(pairs));
      even.part[i] = as_floats(pairs << 16);
      odd.part[i] = as_floats(pairs & static_cast<int32_t>(0xFFFF0000U));
    }
  }
  static void store(float* to, const Type& value) {
    for (int i = 0; i < kParts; ++i) {
      std::memcpy(to + i * kRegisterLanes, &value.part[i], sizeof(Register));
    }
  }
  static void store(float* to, const Type& value, Mask mask) {
    if (mask >= kSize) {
      store(to, value);
      return;
    }
    float lanes[kSize];
    store(lanes, value);
    std::memcpy(to, lanes, static_cast<size_t>(mask) * sizeof(float));
  }
  /// As to_bfloat16.
  static void store(Bfloat16* to, const Type& value, Mask mask) {
    Bfloat16 lanes[kSize];
    Bfloat16* whole = mask >= kSize ? to : lanes;
    for (int i = 0; i < kParts; ++i) {
      const Register x = value.part[i];
      const Integers bits = as_integers(x);
      const Integers rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
      const Integers or_nan = x == x ? rounded : rounded * 0 + 0x7FC0;
      const Halves halves = __builtin_convertvector(or_nan, Halves);
      std::memcpy(whole + i * kRegisterLanes, &halves, sizeof(halves));
    }
    if (whole == lanes) {
      std::memcpy(to, lanes, static_cast<size_t>(mask) * sizeof(Bfloat16));
    }
  }
  static Type broadcast(float value) {
    return each([&](int) { return value - Register{}; });
  }
  static Type add(const Type& a, const Type& b) {
    return each([&](int i) { return a.part[i] + b.part[i]; });
  }
  static Type add(const Type& a, const Type& b, Mask mask) { return select(mask, add(a, b), a); }
  static Type max(const Type& a, const Type& b, Mask mask) {
    return select(mask, each([&](int i) { return b.part[i] > a.part[i] ? b.part[i] : a.part[i]; }),
                  a);
  }
  static Type subtract(const Type& a, const Type& b) {
    return each([&](int i) { return a.part[i] - b.part[i]; });
  }
  static Type multiply(const Type& a, const Type& b) {
    return each([&](int i) { return a.part[i] * b.part[i]; });
  }
  static Type divide(const Type& a, const Type& b) {
    return each([&](int i) { return a.part[i] / b.part[i]; });
  }
  static Type multiply_add(const Type& a, const Type& b, const Type& c) {
    return each([&](int i) { return a.part[i] * b.part[i] + c.part[i]; });
  }
  static Type exponential(const Type& x) {
    return each([&](int i) {
      const Register given = x.part[i];
      Register clamped = given < kSmallestExponent ? kSmallestExponent - Register{} : given;
      clamped = clamped > kLargestExponent ? kLargestExponent - Register{} : clamped;
      const Register shifted = below(clamped * kInverseLn2);
      const Register n = shifted - kShift;
      const Register r = (clamped - n * kLn2High) - n * kLn2Low;
      return given < kSmallestExponent ? Register{} : scaled_power(r * kInverseLn2, shifted);
    });
  }
  static Type power_of_two(const Type& x, Mask mask) {
    const Type power = each([&](int i) {
      const Register shifted = below(x.part[i]);
      const Register of_all = scaled_power(x.part[i] - (shifted - kShift), shifted);
      return x.part[i] < kSmallestPower ? Register{} : of_all;
    });
    return select(mask, power, Type{});
  }
  static float largest(const Type& value) {
    return joined(value, [](const auto& a, const auto& b) { return a > b ? a : b; });
  }
  static float total(const Type& value) {
    return joined(value, [](const auto& a, const auto& b) { return a + b; });
  }

 private:
  /// 1.5 * 2^23: what is added to it is rounded to an integer, which stands in its lowest bits.
  static constexpr float kShift = 12582912.0F;

  static Register load_register(const float* from) {
    Register value;
    std::memcpy(&value, from, sizeof(value));
    return value;
  }
  static Register as_floats(Integers bits) { return reinterpret_cast<Register>(bits); }
  static Integers as_integers(Register value) { return reinterpret_cast<Integers>(value); }

  template <class Part>
  __attribute__((always_inline)) static Type each(const Part& part) {
    Type value;
    for (int i = 0; i < kParts; ++i) {
      value.part[i] = part(i);
    }
    return value;
  }
  /// `a` in the mask's lanes, `b` in the others.
  __attribute__((always_inline)) static Type select(Mask mask, const Type& a, const Type& b) {
    if (mask >= kSize) {
      return a;
    }
    float chosen[kSize];
    store(chosen, b);
    float lanes[kSize];
    store(lanes, a);
    std::memcpy(chosen, lanes, static_cast<size_t>(mask) * sizeof(float));
    return load(chosen);
  }
  /// kShift + floor(x); of an integer, perhaps of one less: x is then one above it.
  static Register below(Register x) { return (x - 0.5F) + kShift; }
  /// 2^(r + n) for r in [0, 1] and shifted = kShift + n.
  static Register scaled_power(Register r, Register shifted) {
    Register polynomial = kPowerCoefficients[0] - Register{};
    for (int i = 1; i < 6; ++i) {
      polynomial = polynomial * r + kPowerCoefficients[i];
    }
    return polynomial * as_floats((as_integers(shifted) + 127) << 23);
  }
  /// All lanes, joined in halves.
  template <class Join>
  __attribute__((always_inline)) static float joined(const Type& value, const Join& join) {
    Type parts = value;
    for (int half = kParts / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) {
        parts.part[i] = join(parts.part[i], parts.part[i + half]);
      }
    }
    float lanes[kRegisterLanes];
    std::memcpy(lanes, &parts.part[0], sizeof(lanes));
    for (int64_t half = kRegisterLanes / 2; half > 0; half /= 2) {
      for (int64_t i = 0; i < half; ++i) {
        lanes[i] = join(lanes[i], lanes[i + half]);
      }
    }
    return lanes[0];
  }
};

}  // namespace
}  // namespace brt::kernels
