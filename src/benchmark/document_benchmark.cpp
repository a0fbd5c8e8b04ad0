// SPDX-License-Identifier: Apache-2.0
// Whether reading a long document stays as fast and as small as it began.
#include "benchmark/document_benchmark.h"

#include <fstream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/error.h"
#include "benchmark/benchmark.h"

namespace brt {
namespace {

double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double total_pages = 0.0;
  double resident_pages = 0.0;
  file >> total_pages >> resident_pages;
  return resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1048576.0;
}

/// One document, and how long its segments took.
class TimedDocument {
 public:
  explicit TimedDocument(const RunConfig& config) : work_(evaluation_work(config)) {}

  double read_segment() const { return seconds_of(work_.repeat); }

  std::vector<double> read_segments(int64_t count) const {
    std::vector<double> seconds;
    for (int64_t i = 0; i < count; ++i) {
      seconds.push_back(read_segment());
    }
    return seconds;
  }

 private:
  BenchmarkWork work_;
};

}  // namespace

DocumentBenchmark run_document_benchmark(const RunConfig& config, int64_t tokens) {
  const int64_t segment = config.model.segment;
  const int64_t segments = tokens / segment;
  if (segments < 20) {
    throw Error(fmt::format("bench: a document of {} tokens has {} segments of {}, fewer than 20",
                            tokens, segments, segment));
  }
  RunConfig one_lane = config;
  one_lane.evaluation.lanes = 1;
  TimedDocument(one_lane).read_segments(3);  // allocations, first pages, threads
  const TimedDocument document(one_lane);
  const TimedDocument beside(one_lane);
  const int64_t tenth = segments / 10;
  const std::vector<double> first = document.read_segments(tenth);
  const double memory = resident_mib();
  document.read_segments(segments - 2 * tenth);
  std::vector<double> last;
  std::vector<double> first_beside;
  for (int64_t i = 0; i < tenth; ++i) {
    last.push_back(document.read_segment());
    first_beside.push_back(beside.read_segment());
  }
  const double length = static_cast<double>(segment);
  DocumentBenchmark result;
  result.tokens = segments * segment;
  result.first_tenth = length / quantile(first, 0.5);
  result.last_tenth = length / quantile(last, 0.5);
  result.first_beside_last = length / quantile(first_beside, 0.5);
  result.memory_growth_mib = resident_mib() - memory;
  return result;
}

std::string document_benchmark_to_json(const DocumentBenchmark& result) {
  return nlohmann::ordered_json({{"mode", "eval"},
                                 {"document_tokens", result.tokens},
                                 {"first_tenth_tokens_per_second", result.first_tenth},
                                 {"last_tenth_tokens_per_second", result.last_tenth},
                                 {"first_beside_last_tokens_per_second", result.first_beside_last},
                                 {"last_by_first", result.last_by_first()},
                                 {"memory_growth_mib", result.memory_growth_mib}})
      .dump();
}

}  // namespace brt
