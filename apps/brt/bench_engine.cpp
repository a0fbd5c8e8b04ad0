// SPDX-License-Identifier: Apache-2.0
// Decoding and reading for `brt bench`.
#include "bench_engine.h"

#include <chrono>
#include <filesystem>
#include <random>
#include <span>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "torch_checkpoint/model_folder.h"

namespace brt {
namespace {

/// Steps after which the weights lie where a long run has them: the bandwidth's buffer pushed them
/// out of the caches.
constexpr int64_t kStepsIntoCaches = 4;

/// A model's folder among the temporary files, for as long as the object lives.
class TemporaryModel {
 public:
  explicit TemporaryModel(const RunConfig& config) {
    std::string pattern = (std::filesystem::temp_directory_path() / "brt-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw Error(fmt::format("{}: cannot be made", pattern));
    }
    folder_ = pattern;
    try {
      save_model(folder_, make_benchmark_model(config), "");
    } catch (...) {
      remove();
      throw;
    }
  }
  ~TemporaryModel() { remove(); }
  TemporaryModel(const TemporaryModel&) = delete;
  TemporaryModel& operator=(const TemporaryModel&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;

  void remove() {
    std::error_code error;  // what is left among temporary files does no harm
    std::filesystem::remove_all(folder_, error);
  }
};

}  // namespace

EngineBench::EngineBench(const RunConfig& config, const EngineBenchOptions& options)
    : config_(config) {
  const TemporaryModel model(config);
  engine_ = std::make_unique<Engine>(
      model.folder(), EngineOptions{weight_format_from_word(options.weights), options.threads});
  bandwidth_ =
      std::make_unique<ReadBandwidth>(engine_->weight_bytes_per_token(), engine_->threads());
  streams_.resize(static_cast<size_t>(options.streams), engine_->begin());
}

BenchmarkWork EngineBench::decoding() {
  BenchmarkWork work;
  work.steps = config_.model.window;
  work.tokens_per_step = static_cast<int64_t>(streams_.size());
  work.flops_per_token = forward_flops_per_token(config_.model);
  work.repeat = [this, steps = work.steps] {
    for (int64_t i = 0; i < steps; ++i) {
      step_seconds_.push_back(seconds_of([this] { decode_step(); }));
    }
  };
  work.between = [this] {
    measure_bandwidth();
    for (int64_t i = 0; i < kStepsIntoCaches; ++i) {
      decode_step();
    }
  };
  return work;
}

BenchmarkWork EngineBench::reading() {
  BenchmarkWork work;
  work.tokens_per_step = static_cast<int64_t>(streams_.size()) * config_.model.segment;
  work.flops_per_token = forward_flops_per_token(config_.model);
  work.repeat = [this] { read_segment(); };
  work.between = [this] { measure_bandwidth(); };
  return work;
}

void EngineBench::measure_bandwidth() {
  if (bytes_per_second_.empty()) {
    step_seconds_.clear();  // of repetitions that were not counted
  }
  // Threads of the matrix product that was timed before spin for some milliseconds.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  bytes_per_second_.push_back(bandwidth_->measure());
  // So do those of the measurement, for less than one.
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void EngineBench::decode_step() {
  std::vector<int32_t> tokens;
  std::vector<Feed> feeds(streams_.size());
  for (const StreamState& stream : streams_) {
    tokens.push_back(stream.tokens_read() > 0
                         ? greedy_.sample(stream.logits(), {}, stream.tokens_read())
                         : static_cast<int32_t>(tokens.size()));
  }
  for (size_t i = 0; i < streams_.size(); ++i) {
    feeds[i].state = &streams_[i];
    feeds[i].tokens = std::span(tokens).subspan(i, 1);
  }
  engine_->feed(feeds);
}

void EngineBench::read_segment() {
  std::mt19937_64 random(static_cast<uint64_t>(config_.train.seed) + segments_read_++);
  std::vector<int32_t> tokens(streams_.size() * static_cast<size_t>(config_.model.segment));
  for (int32_t& token : tokens) {
    token = static_cast<int32_t>(random() % static_cast<uint64_t>(config_.model.vocab_size));
  }
  const size_t length = static_cast<size_t>(config_.model.segment);
  std::vector<Feed> feeds(streams_.size());
  for (size_t i = 0; i < streams_.size(); ++i) {
    feeds[i].state = &streams_[i];
    feeds[i].tokens = std::span(tokens).subspan(i * length, length);
  }
  step_seconds_.push_back(seconds_of([&] { engine_->feed(feeds); }));
}

EngineFigures EngineBench::figures(const BenchmarkResult& result) const {
  EngineFigures figures;
  figures.p50_ms = 1000.0 * quantile(step_seconds_, 0.5);
  figures.p99_ms = 1000.0 * quantile(step_seconds_, 0.99);
  figures.longest_ms = 1000.0 * quantile(step_seconds_, 1.0);
  figures.weight_bytes = static_cast<double>(engine_->weight_bytes_per_token());
  figures.bytes_per_second = quantile(bytes_per_second_, 0.5);
  figures.limit = figures.bytes_per_second / figures.weight_bytes;
  figures.share_of_limit = 1000.0 / result.step_ms / figures.limit;
  return figures;
}

}  // namespace brt
