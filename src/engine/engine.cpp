// SPDX-License-Identifier: Apache-2.0
// Feeds cut into steps.
#include "engine/engine.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/available_cores.h"
#include "base/error.h"
#include "engine/packed_model.h"
#include "engine/stream_layout.h"
#include "engine/thread_team.h"
#include "engine/token_step.h"

namespace brt {
namespace {

/// Tokens of one step: enough for products at full speed, few enough to stay in the cache.
constexpr int64_t kMaxRows = 512;
/// Logits that exist at the same time: 8 MiB of float32, but at least a row.
constexpr int64_t kMaxLogits = int64_t{1} << 21;
constexpr int64_t kMaxLogitsRows = 128;

int64_t threads_of(const EngineOptions& options) {
  if (options.threads < 0) {
    throw ConfigError(fmt::format("engine: threads must be at least 0, got {}", options.threads));
  }
  return options.threads == 0 ? available_cores() : options.threads;
}

int64_t logits_rows_of(const ModelConfig& config) {
  return std::clamp<int64_t>(kMaxLogits / config.vocab_size, 1, kMaxLogitsRows);
}

/// Where a feed stands.
struct FeedProgress {
  int64_t read = 0;  ///< tokens
  int64_t step_rows = 0;
  int64_t first_row = 0;  ///< of the step
};

/// A row of a feed's part of a step whose logits are wanted.
struct LogitsRow {
  size_t feed = 0;
  int64_t row = 0;
  bool is_last = false;  ///< of the feed's part
};

}  // namespace

struct Engine::Impl {
  ThreadTeam team;
  PackedModel model;
  std::shared_ptr<const StreamLayout> layout;
  int64_t max_logits_rows;
  std::unique_ptr<TokenStep> step;
  // Of the current call; kept so that nothing is allocated.
  std::vector<FeedProgress> progress;
  std::vector<StepTokens> step_tokens;
  std::vector<LogitsRow> wanted;
  std::vector<int64_t> step_rows;

  Impl(const std::filesystem::path& folder, const EngineOptions& options)
      : team(threads_of(options), options.choose_team_size),
        model(folder, options.weights, team),
        layout(std::make_shared<const StreamLayout>(model)),
        max_logits_rows(logits_rows_of(model.config())),
        step(TokenStep::make(model, *layout, team, kMaxRows, max_logits_rows)) {
    step_tokens.reserve(kMaxRows);
    wanted.reserve(kMaxRows);
    step_rows.reserve(kMaxRows);
  }

  void check(const Feed& feed) const;
  bool plan_step(std::span<Feed> feeds);
  void plan_logits(std::span<Feed> feeds);
  void compute_logits(std::span<Feed> feeds);
  const float* compute_batch(std::span<const LogitsRow> batch, std::span<Feed> feeds);
  void visit_batch(std::span<const LogitsRow> batch, const float* logits_RV, std::span<Feed> feeds);
};

Engine::Engine(const std::filesystem::path& model_folder, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(model_folder, options)) {}

Engine::~Engine() = default;

const ModelConfig& Engine::config() const { return impl_->model.config(); }
WeightFormat Engine::weights() const { return impl_->model.format(); }
int64_t Engine::threads() const { return impl_->team.most(); }
uint64_t Engine::fingerprint() const { return impl_->model.fingerprint(); }
int64_t Engine::weight_bytes_per_token() const { return impl_->model.bytes_per_token(); }

StreamState Engine::begin() const {
  const StreamLayout& layout = *impl_->layout;
  StreamState state;
  state.layout_ = impl_->layout;
  // Zeroed: keys and values of the empty cache are zeros, as the reference has them.
  state.memory_ = AlignedBuffer(layout.bytes);
  state.units_done_.assign(layout.layers.size(), 0);
  for (const int64_t layer : config().recurrent_layers) {
    const std::vector<float>& initial_SD = impl_->model.layer(layer).cell->initial_state_SD;
    std::ranges::copy(
        initial_SD, state.memory_.at<float>(layout.layers[static_cast<size_t>(layer)].cell.state));
  }
  return state;
}

void Engine::feed(StreamState& state, std::span<const int32_t> tokens) {
  Feed feed;
  feed.state = &state;
  feed.tokens = tokens;
  Engine::feed({&feed, 1});
}

void Engine::feed(std::span<Feed> feeds) {
  for (const Feed& feed : feeds) {
    impl_->check(feed);
  }
  impl_->progress.assign(feeds.size(), {});
  while (impl_->plan_step(feeds)) {
    impl_->step->run(impl_->step_tokens);
    impl_->model.check_unchanged();  // no number of other weights is shown to anybody
    impl_->plan_logits(feeds);
    impl_->compute_logits(feeds);
    for (FeedProgress& at : impl_->progress) {
      at.read += at.step_rows;
    }
  }
}

void Engine::Impl::check(const Feed& feed) const {
  const StreamLayout* theirs = feed.state == nullptr ? nullptr : StateAccess::layout(*feed.state);
  if (theirs == nullptr) {
    throw Error("engine: a feed has no state", "make one with begin()");
  }
  if (theirs != layout.get() &&
      (theirs->fingerprint != layout->fingerprint || theirs->format != layout->format)) {
    throw Error("engine: the state is of another model or weight format");
  }
  for (const int32_t token : feed.tokens) {
    if (token < 0 || token >= model.config().vocab_size) {
      throw ShapeError(fmt::format("engine: tokens must lie in [0, {}), got {}",
                                   model.config().vocab_size, token));
    }
  }
}

/// The next rows of every feed, as many as fit; false if all tokens have been read.
bool Engine::Impl::plan_step(std::span<Feed> feeds) {
  step_tokens.clear();
  int64_t row = 0;
  for (size_t i = 0; i < feeds.size(); ++i) {
    FeedProgress& at = progress[i];
    const int64_t left = static_cast<int64_t>(feeds[i].tokens.size()) - at.read;
    const int64_t window = model.config().window;
    const int64_t of_block = window - feeds[i].state->tokens_read() % window;
    at.step_rows = std::min({left, of_block, kMaxRows - row});
    at.first_row = row;
    if (at.step_rows > 0) {
      step_tokens.push_back(
          {feeds[i].state, feeds[i].tokens.subspan(static_cast<size_t>(at.read),
                                                   static_cast<size_t>(at.step_rows))});
    }
    row += at.step_rows;
  }
  return row > 0;
}

/// The last row of every feed that is at its end, and all rows of those whose logits are visited.
void Engine::Impl::plan_logits(std::span<Feed> feeds) {
  wanted.clear();
  for (size_t i = 0; i < feeds.size(); ++i) {
    const FeedProgress& at = progress[i];
    if (at.step_rows == 0) {
      continue;  // it was at its end before this step
    }
    const bool ends = at.read + at.step_rows == static_cast<int64_t>(feeds[i].tokens.size());
    const int64_t first = feeds[i].visit ? 0 : at.step_rows - (ends ? 1 : 0);
    for (int64_t row = first; row < at.step_rows; ++row) {
      wanted.push_back({i, row, row + 1 == at.step_rows});
    }
  }
}

void Engine::Impl::compute_logits(std::span<Feed> feeds) {
  const size_t batch_rows = static_cast<size_t>(max_logits_rows);
  for (size_t begin = 0; begin < wanted.size(); begin += batch_rows) {
    const std::span<const LogitsRow> batch =
        std::span(wanted).subspan(begin, std::min(batch_rows, wanted.size() - begin));
    const float* logits_RV = compute_batch(batch, feeds);
    try {
      visit_batch(batch, logits_RV, feeds);
    } catch (...) {
      // The streams have read their tokens: they shall be whole.
      for (const LogitsRow& row : std::span(wanted).subspan(begin)) {
        if (row.is_last) {
          compute_batch({&row, 1}, feeds);
        }
      }
      throw;
    }
  }
}

/// Logits of a batch; those of last rows become their streams'.
const float* Engine::Impl::compute_batch(std::span<const LogitsRow> batch, std::span<Feed> feeds) {
  step_rows.clear();
  for (const LogitsRow& row : batch) {
    step_rows.push_back(progress[row.feed].first_row + row.row);
  }
  const int64_t vocab_size = model.config().vocab_size;
  const float* logits_RV = step->logits(step_rows);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].is_last) {
      const float* logits_V = logits_RV + static_cast<int64_t>(i) * vocab_size;
      std::copy(logits_V, logits_V + vocab_size,
                StateAccess::at<float>(*feeds[batch[i].feed].state, layout->logits));
    }
  }
  return logits_RV;
}

void Engine::Impl::visit_batch(std::span<const LogitsRow> batch,
                               const float* logits_RV,
                               std::span<Feed> feeds) {
  size_t begin = 0;
  while (begin < batch.size()) {
    const size_t feed = batch[begin].feed;
    size_t end = begin;
    while (end < batch.size() && batch[end].feed == feed) {
      ++end;
    }
    if (feeds[feed].visit) {
      feeds[feed].visit(progress[feed].read + batch[begin].row, static_cast<int64_t>(end - begin),
                        logits_RV + static_cast<int64_t>(begin) * model.config().vocab_size);
    }
    begin = end;
  }
}

void Engine::restored(StreamState& state) const {
  const StreamLayout* layout = StateAccess::layout(state);
  if (layout == nullptr || layout->fingerprint != fingerprint() || layout->format != weights()) {
    throw CheckpointError("stream state: is of another model or weight format");
  }
  if (state.tokens_read() < 0 || state.tokens_read() > kMostTokensRead) {
    throw CheckpointError(fmt::format("stream state: tokens read must be from 0 to {}, got {}",
                                      kMostTokensRead, state.tokens_read()));
  }
  state.units_done_.assign(layout->layers.size(), 0);
  impl_->step->rotate_keys(state);
}

}  // namespace brt
