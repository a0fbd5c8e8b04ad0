// SPDX-License-Identifier: Apache-2.0
// Whether reading a long document stays as fast and as small as it began.
#pragma once

#include <cstdint>
#include <string>

#include "config/run_config.h"

namespace brt {

/// Speeds are tokens of a segment by its median time.
struct DocumentBenchmark {
  int64_t tokens = 0;              ///< read of the document: whole segments
  double first_tenth = 0.0;        ///< tokens per second
  double last_tenth = 0.0;         ///< tokens per second
  double first_beside_last = 0.0;  ///< of the second document, see below
  double memory_growth_mib = 0.0;  ///< resident at the end less that after the first tenth

  /// The last tenth's speed as a part of the first tenth's, on the same machine.
  double last_by_first() const { return last_tenth / first_beside_last; }
};

/// Evaluates one document of `tokens` random tokens, segment by segment, as `brt eval` does. Its
/// last tenth alternates, segment by segment, with the first tenth of a second document: what slows
/// the machine then slows both. @throws Error below twenty segments.
DocumentBenchmark run_document_benchmark(const RunConfig& config, int64_t tokens);

std::string document_benchmark_to_json(const DocumentBenchmark& result);

}  // namespace brt
