// SPDX-License-Identifier: Apache-2.0
// What the numbers of several runs say, in plain words and whichever way they point.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/run_record.h"

namespace brt {

/// Bits per byte by which runs are ranked: of the held-out split with everything carried if every
/// run has that evaluation, else of the last validation during training. NaN for a run without it.
std::vector<double> headline_bits_per_byte(const std::vector<RunRecord>& runs);

/// Their lowest and highest over the seeds of a run; without value for a run of one seed.
std::vector<std::optional<SeedRange>> headline_ranges(const std::vector<RunRecord>& runs);

/// Sentences (plain text): first whether and in what the terms of training differ, then which run
/// is ahead on held-out documents, by how much and where in the document, and, on equal terms, what
/// that says of recurrence; whether what is carried is used; how the runs differ in size and speed.
std::vector<std::string> summarize_runs(const std::vector<RunRecord>& runs);

/// The median of the logged training speeds, in tokens per second; NaN if there are none.
double median_speed(const RunRecord& run);

/// "1,234,567"
std::string grouped(int64_t value);
/// Of a number from a file, rounded: what no whole number holds becomes "1e+300" or "nan".
std::string grouped(double value);

}  // namespace brt
