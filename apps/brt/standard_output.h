// SPDX-License-Identifier: Apache-2.0
// Bytes for standard output, as they are.
#pragma once

#include <string_view>

namespace brt {

/// Writes bytes to stdout and passes them on at once. @throws Error with the system's reason.
void write_standard_output(std::string_view bytes);

}  // namespace brt
