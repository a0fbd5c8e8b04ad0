// SPDX-License-Identifier: Apache-2.0
// What was found among the inputs and not read, and why.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace brt {

/// Counts of what gave no document.
struct PassedOver {
  int64_t hidden = 0;   ///< names with a component that begins with a dot
  int64_t empty = 0;    ///< files, members and fields without a byte
  int64_t binary = 0;   ///< recognised as something other than text
  int64_t special = 0;  ///< devices and the like; links of archives that lead to nothing
  std::map<std::string, int64_t> binary_kinds;  ///< `binary` by kind: "a PNG image"

  int64_t total() const { return hidden + empty + binary + special; }
};

/// "3 hidden, 1 empty, 2 not text (2: a PNG image)"; empty if nothing was passed over.
std::string describe(const PassedOver& passed_over);

}  // namespace brt
