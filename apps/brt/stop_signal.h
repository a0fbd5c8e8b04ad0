// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP as a request to stop in good order.
#pragma once

namespace brt {

/// From now on the first SIGINT, SIGTERM or SIGHUP only makes stop_requested() true; the second
/// ends the process at once with the exit code 130, 143 or 129. A SIGHUP that was ignored at the
/// start, as under nohup, stays so.
void catch_stop_signals();

bool stop_requested();

/// 128 + the number of the first signal: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP. 0 if none
/// came.
int stop_exit_code();

}  // namespace brt
