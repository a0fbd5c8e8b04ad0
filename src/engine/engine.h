// SPDX-License-Identifier: Apache-2.0
// A model made ready to read and write documents: token by token or in chunks, one or many at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "config/model_config.h"
#include "engine/stream_state.h"
#include "engine/weight_format.h"

namespace brt {

struct EngineOptions {
  WeightFormat weights = WeightFormat::kBfloat16;
  int64_t threads = 0;  ///< 0: one for each core that the process may use
  /// Empty but for tests: how many threads work in the next part of a step. Else as many as other
  /// programs leave cores for.
  std::function<int64_t()> choose_team_size = {};
};

/// What one stream reads in a call.
struct Feed {
  StreamState* state = nullptr;
  std::span<const int32_t> tokens;
  /// Gets the logits [rows, V] after tokens [first, first + rows) of this feed, in order,
  /// row-major. Empty: only the last token's logits are computed.
  std::function<void(int64_t first, int64_t rows, const float* logits_MV)> visit;
};

/// The weights, packed for products, and the threads that compute. A stream's numbers depend on its
/// tokens only: they are bit-equal for all chunk sizes, numbers of threads and streams beside it.
class Engine {
 public:
  /// @param model_folder  holds config.json and model.safetensors
  /// @throws CheckpointError, ConfigError if the folder does not hold a whole model
  Engine(const std::filesystem::path& model_folder, const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const ModelConfig& config() const;
  WeightFormat weights() const;
  /// That were started: fewer than asked for if the system refused more.
  int64_t threads() const;
  /// The model's identity: equals checkpoint's model_fingerprint() of the same folder.
  uint64_t fingerprint() const;
  /// Bytes of weights that the step of one token reads.
  int64_t weight_bytes_per_token() const;

  /// An empty document.
  StreamState begin() const;

  /// Every stream reads its tokens; logits() of each then predicts what comes next. No two feeds
  /// may have the same state. If a visit throws, each stream is left whole, just after the tokens
  /// whose logits were being visited or some later ones.
  /// @throws ShapeError if a token is not in [0, V), Error if a state is of another model; nothing
  /// is read then. DataError if another program wrote over the model's file; the states are of no
  /// use then.
  void feed(std::span<Feed> feeds);
  /// One stream; only the last token's logits are computed.
  void feed(StreamState& state, std::span<const int32_t> tokens);

  /// Makes anew what is derived, after tokens and parts of a state were set from a file.
  /// @throws CheckpointError if this cannot be a state of this model.
  void restored(StreamState& state) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace brt
