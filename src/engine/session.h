// SPDX-License-Identifier: Apache-2.0
// A document being read: the stream's state and what generation and scoring keep beside it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/sampler_options.h"

namespace brt {

/// A line that a scorer of lines has begun and not ended.
struct LineProgress {
  int64_t bytes = 0;   ///< of it that are scored; 0: none is begun
  int64_t tokens = 0;  ///< predicted
  double nats = 0.0;
  std::string text;  ///< its beginning, as much as is shown of a line
};

/// What a continuation depends on besides the model's state.
struct TextProgress {
  SamplerOptions sampler;              ///< its draws depend on seed and position only
  std::vector<int32_t> recent_tokens;  ///< for the repetition penalty, oldest first
  std::string stop_text;     ///< end of the text that may begin a stop string; already given out
  std::string pending_text;  ///< read, but not yet tokenized: it comes before what is read next
  int64_t bytes_read = 0;    ///< of the document's text, pending_text apart
  int64_t lines_read = 0;    ///< by a scorer of lines
  LineProgress line;         ///< the current one

  /// Adds tokens at the end of recent_tokens and forgets those that no penalty looks at: all but
  /// sampler.repetition_window, at least 64.
  void remember(std::span<const int32_t> tokens);
};

/// A value: copying it forks the document.
struct Session {
  StreamState stream;
  TextProgress text;
};

}  // namespace brt
