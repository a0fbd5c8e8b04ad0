// SPDX-License-Identifier: Apache-2.0
// What `brt bench decode` and `brt bench read` (prefill) measure: streams through the engine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "config/run_config.h"
#include "engine/engine.h"
#include "generate/sampler.h"
#include "read_bandwidth.h"

namespace brt {

struct EngineBenchOptions {
  std::string weights = "bf16";
  int64_t streams = 1;
  int64_t threads = 0;
};

/// Latencies of single steps and the limit that reading the weights sets.
struct EngineFigures {
  double p50_ms = 0.0;
  double p99_ms = 0.0;
  double longest_ms = 0.0;
  double weight_bytes = 0.0;      ///< that a step reads
  double bytes_per_second = 0.0;  ///< read of a buffer of that size, median
  double limit = 0.0;             ///< steps per second that reading the weights allows
  double share_of_limit = 0.0;    ///< of the median repetition
};

/// Streams of a model with first values, on the engine.
class EngineBench {
 public:
  EngineBench(const RunConfig& config, const EngineBenchOptions& options);

  const Engine& engine() const { return *engine_; }

  /// Every stream goes on with its most likely token, a window of steps a repetition, so that each
  /// holds one update of the state.
  BenchmarkWork decoding();
  /// Every stream reads a segment of random tokens a repetition.
  BenchmarkWork reading();

  /// Of all steps of counted repetitions. `result` is that of the work.
  EngineFigures figures(const BenchmarkResult& result) const;

 private:
  RunConfig config_;
  Sampler greedy_{SamplerOptions{.temperature = 0.0}};
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ReadBandwidth> bandwidth_;
  std::vector<StreamState> streams_;
  std::vector<double> step_seconds_;
  std::vector<double> bytes_per_second_;
  uint64_t segments_read_ = 0;

  void measure_bandwidth();
  void decode_step();
  void read_segment();
};

}  // namespace brt
