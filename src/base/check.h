// SPDX-License-Identifier: Apache-2.0
// Assertions for the programmer's own faults; no input from outside may ever reach one.
#pragma once

#include <cassert>

#if defined(BRT_ASSERTIONS)
#define BRT_ASSERT(condition) assert(condition)
#else
#define BRT_ASSERT(condition) static_cast<void>(0)
#endif
