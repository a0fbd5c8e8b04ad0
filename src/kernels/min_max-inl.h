// SPDX-License-Identifier: Apache-2.0
// The smaller and the larger of two: files compiled for one CPU target must not share std::min.
#pragma once

#include <cstdint>

namespace brt::kernels {
namespace {

constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
[[maybe_unused]] constexpr int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

}  // namespace
}  // namespace brt::kernels
