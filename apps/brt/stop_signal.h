// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM as a request to stop in good order.
#pragma once

namespace brt {

/// From now on the first SIGINT or SIGTERM only makes stop_requested() true; the second ends the
/// process at once with the exit code 130 or 143.
void catch_stop_signals();

bool stop_requested();

/// 128 + the number of the first signal: 130 for SIGINT, 143 for SIGTERM. 0 if none came.
int stop_exit_code();

}  // namespace brt
