// SPDX-License-Identifier: Apache-2.0
// Several seeds of one model as one record: means, with the lowest and highest of the losses.
#pragma once

#include <vector>

#include "report/run_record.h"

namespace brt {

/// The mean of runs of one name; of a single run, the run itself. Text sample and settings are
/// those of the first run that has them.
/// @throws ConfigError if settings other than train.seed differ (but for what changes no figure:
/// threads, checkpoints), or two seeds are the same; DataError if the runs stopped at different
/// steps, or were not evaluated alike.
RunRecord average_runs(const std::vector<RunRecord>& runs);

}  // namespace brt
