// SPDX-License-Identifier: Apache-2.0
// A promise to the compiler about a loop.
#pragma once

/// Before a loop: no iteration touches what another one writes. Compilers then vectorise it without
/// a test of every pair of pointers; g++ 12 gives up beyond a number of pairs, and does not trust
/// __restrict on local pointers.
#if defined(__clang__)
#define BRT_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#else
#define BRT_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#endif
