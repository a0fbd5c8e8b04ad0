// SPDX-License-Identifier: Apache-2.0
// Feeding one document to the model in pieces that it computes fast and that fit in memory.
#include "generate/stream.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "base/error.h"

namespace brt {
namespace {

/// Logits that exist at the same time; 16 MiB of float32.
constexpr int64_t kMaxLogits = int64_t{1} << 22;

/// Tokens to read at once: to the end of a block under way, else whole blocks up to a segment, else
/// what is left.
int64_t piece_length(const ModelConfig& config, int64_t tokens_read, int64_t remaining) {
  const int64_t in_block = tokens_read % config.window;
  if (in_block > 0) {
    return std::min(remaining, config.window - in_block);
  }
  const int64_t whole_blocks = remaining / config.window * config.window;
  return whole_blocks > 0 ? std::min(whole_blocks, config.segment) : remaining;
}

at::Tensor to_tensor(std::span<const int32_t> tokens) {
  const at::Tensor tokens_BN = at::empty({1, static_cast<int64_t>(tokens.size())}, at::kLong);
  std::copy(tokens.begin(), tokens.end(), tokens_BN.data_ptr<int64_t>());
  return tokens_BN;
}

[[noreturn]] void fail_restore(const std::string& what,
                               const std::string& expected,
                               const std::string& got) {
  throw CheckpointError("stream state: " + what + " must be " + expected + ", got " + got);
}

}  // namespace

Stream::Stream(LanguageModel model, const ForwardOptions& options)
    : model_(std::move(model)),
      options_(options),
      carry_(make_carry(model_->config(), /*lanes=*/1, options.dtype)) {}

at::Tensor Stream::feed(std::span<const int32_t> tokens) {
  std::vector<at::Tensor> parts;
  feed(tokens, [&](const at::Tensor& logits_MV) { parts.push_back(logits_MV); });
  return parts.empty() ? at::empty({0, model_->config().vocab_size}, at::kFloat)
                       : at::cat(parts, 0);
}

void Stream::feed(std::span<const int32_t> tokens,
                  const std::function<void(const at::Tensor&)>& visit) {
  const at::NoGradGuard no_grad;
  const int64_t rows_at_once = std::max<int64_t>(1, kMaxLogits / model_->config().vocab_size);
  while (!tokens.empty()) {
    const int64_t length =
        piece_length(model_->config(), tokens_read_, static_cast<int64_t>(tokens.size()));
    const at::Tensor starts_B = tokens_read_ == 0 ? at::ones({1}, at::kByte) : at::Tensor();
    const SegmentOutput output = model_->forward(
        to_tensor(tokens.first(static_cast<size_t>(length))), starts_B, carry_, options_);
    const at::Tensor hidden_MD = output.hidden_BND.squeeze(0);
    // Without a visitor only the last token's logits are wanted.
    at::Tensor logits_MV;
    for (int64_t from = visit ? 0 : length - 1; from < length; from += rows_at_once) {
      logits_MV = model_->logits(hidden_MD.narrow(0, from, std::min(rows_at_once, length - from)),
                                 options_);
      if (visit) {
        visit(logits_MV);
      }
    }
    logits_V_ = logits_MV.select(0, -1).to(at::kFloat).clone();
    carry_ = output.carry;
    tokens_read_ += length;
    tokens = tokens.subspan(static_cast<size_t>(length));
  }
}

void Stream::restore(Carry carry, at::Tensor logits_V, int64_t tokens_read) {
  const ModelConfig& config = model_->config();
  if (static_cast<int64_t>(carry.layers.size()) != config.num_layers) {
    fail_restore("the carry", "of " + std::to_string(config.num_layers) + " layers",
                 std::to_string(carry.layers.size()));
  }
  if (logits_V.dim() != 1 || logits_V.size(0) != config.vocab_size) {
    fail_restore("the logits", fmt::format("[{}]", config.vocab_size),
                 fmt::format("{} numbers", logits_V.numel()));
  }
  if (carry.position_B.numel() != 1 || carry.position_B.item<int64_t>() != tokens_read ||
      carry.tokens_in_block(config) != tokens_read % config.window) {
    fail_restore("the carry's position", std::to_string(tokens_read) + " tokens in one lane",
                 std::to_string(carry.position_B.numel()) + " lanes and " +
                     std::to_string(carry.tokens_in_block(config)) + " tokens of a block");
  }
  if (!carry.layers.empty() &&
      carry.layers[0].keys_BMHK.scalar_type() != carry_.layers[0].keys_BMHK.scalar_type()) {
    fail_restore("the cache", std::string(at::toString(carry_.layers[0].keys_BMHK.scalar_type())),
                 std::string(at::toString(carry.layers[0].keys_BMHK.scalar_type())) +
                     "\nhint: continue with the --dtype that the state was saved with");
  }
  carry_ = std::move(carry);
  logits_V_ = std::move(logits_V);
  tokens_read_ = tokens_read;
}

}  // namespace brt
