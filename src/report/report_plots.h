// SPDX-License-Identifier: Apache-2.0
// The plots of a report, made of run records.
#pragma once

#include <vector>

#include "report/run_record.h"
#include "report/svg_plot.h"

namespace brt {

/// Bits per byte over tokens read: training (smoothed, raw behind it) and validation of each run.
/// Here and below several seeds are a line of means in a band from the lowest to the highest.
Plot learning_curves(const std::vector<RunRecord>& runs);

/// Bits per token by position in the document, for each run and carry that was evaluated.
Plot loss_by_position(const std::vector<RunRecord>& runs);

/// The same as differences from the first run that was evaluated with everything carried, whose own
/// line is zero. Needs one vocabulary throughout; otherwise it has no series.
Plot loss_difference_by_position(const std::vector<RunRecord>& runs);

/// Mean of every gate over tokens read, with the band from the 1st to the 99th percentile.
Plot gates_over_time(const RunRecord& run);

/// Root mean square of the states of every recurrent layer over tokens read.
Plot state_size_over_time(const RunRecord& run);

}  // namespace brt
