// SPDX-License-Identifier: Apache-2.0
// The end of a program whose own fault has shown: the one place of the libraries that prints and
// aborts. An exception could be caught as if it were an input's fault, and sanitizers and fuzzers
// would not see it.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace brt {

void end_at_false_assertion(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace brt
