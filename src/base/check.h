// SPDX-License-Identifier: Apache-2.0
// Assertions for the programmer's own faults; no input from outside may ever reach one.
#pragma once

namespace brt {

/// Says on stderr what does not hold and where, and aborts.
[[noreturn]] void end_at_false_assertion(const char* condition, const char* file, int line);

}  // namespace brt

// With BRT_ASSERTIONS (debug, sanitizer and fuzz builds: cmake/compiler.cmake), whether or not
// NDEBUG is defined, as it is for a release with sanitizers. Else the condition is compiled, but
// never evaluated.
#if defined(BRT_ASSERTIONS)
#define BRT_ASSERT(condition)                          \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::brt::end_at_false_assertion(#condition, __FILE__, __LINE__))
#else
#define BRT_ASSERT(condition) static_cast<void>(false && static_cast<bool>(condition))
#endif
