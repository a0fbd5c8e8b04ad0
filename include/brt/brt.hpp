// SPDX-License-Identifier: Apache-2.0
// C++ interface of brt: owners and exceptions over the C interface, whose comments hold here too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <brt/brt.h>

namespace brt::api {

/// Thrown by every function here that fails; a known cure stands on a second line, "hint: ...".
class Failure : public std::runtime_error {
 public:
  Failure() : std::runtime_error(brt_last_error()) {}
};

enum class Weights {
  kFloat32 = BRT_WEIGHTS_FP32,
  kBfloat16 = BRT_WEIGHTS_BF16,
  kInt8 = BRT_WEIGHTS_INT8
};

/// Settings of sampling, see brt_sampler.
struct Sampler {
  double temperature = 1.0;
  int64_t top_k = 0;
  double top_p = 1.0;
  double min_p = 0.0;
  double repetition_penalty = 1.0;
  int64_t repetition_window = 64;
  uint64_t seed = 1;
  std::vector<brt_logit_bias> logit_bias = {};
};

/// A model with its tokenizer. Copies share it.
class Model {
 public:
  explicit Model(const std::string& path,  // a model folder, a run folder, RUN@best or RUN@STEP
                 Weights weights = Weights::kBfloat16,
                 int64_t threads = 0)
      : model_(brt_model_load(path.c_str(), static_cast<brt_weights>(weights), threads),
               brt_model_free) {
    if (!model_) {
      throw Failure();
    }
  }

  /// What a user should know of the checkpoint that was taken; empty if there is nothing to say.
  std::string note() const { return brt_model_note(model_.get()); }
  int64_t vocab_size() const { return brt_model_vocab_size(model_.get()); }
  int32_t document_end() const { return brt_model_document_end(model_.get()); }
  uint64_t fingerprint() const { return brt_model_fingerprint(model_.get()); }

  std::vector<int32_t> encode(std::string_view text) const {
    std::vector<int32_t> tokens(text.size() + 1);  // hardly ever more tokens than bytes
    int64_t count = encode_into(text, tokens);
    if (static_cast<size_t>(count) > tokens.size()) {
      tokens.resize(static_cast<size_t>(count));
      count = encode_into(text, tokens);
    }
    tokens.resize(static_cast<size_t>(count));
    return tokens;
  }
  /// Lives as long as the model.
  std::string_view token_bytes(int32_t token) const {
    size_t size = 0;
    const char* bytes = brt_model_token_bytes(model_.get(), token, &size);
    if (bytes == nullptr) {
      throw Failure();
    }
    return {bytes, size};
  }

  brt_model* get() const { return model_.get(); }

 private:
  std::shared_ptr<brt_model> model_;

  int64_t encode_into(std::string_view text, std::vector<int32_t>& tokens) const {
    const int64_t count =
        brt_model_encode(model_.get(), text.data(), text.size(), tokens.data(), tokens.size());
    if (count < 0) {
      throw Failure();
    }
    return count;
  }
};

/// A document in progress. Copying it forks the document.
class Stream {
 public:
  explicit Stream(const Model& model) : Stream(brt_stream_new(model.get())) {}
  /// A stream that was saved.
  static Stream load(const Model& model, const std::string& path) {
    return Stream(brt_stream_load(model.get(), path.c_str()));
  }
  Stream(const Stream& other) : Stream(brt_stream_fork(other.get())) {}
  Stream& operator=(const Stream& other) { return *this = Stream(other); }
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;

  void feed(std::span<const int32_t> tokens) {
    check(brt_stream_feed(get(), tokens.data(), tokens.size()));
  }
  void feed(int32_t token) { feed(std::span<const int32_t>(&token, 1)); }

  int64_t tokens_read() const { return brt_stream_tokens_read(get()); }
  /// Of the next token; empty before the first. Valid until the stream is fed.
  std::span<const float> logits() const {
    size_t size = 0;
    const float* logits = brt_stream_logits(get(), &size);
    return {logits, size};
  }

  void set_sampler(const Sampler& sampler) {
    const brt_sampler settings = {.temperature = sampler.temperature,
                                  .top_k = sampler.top_k,
                                  .top_p = sampler.top_p,
                                  .min_p = sampler.min_p,
                                  .repetition_penalty = sampler.repetition_penalty,
                                  .repetition_window = sampler.repetition_window,
                                  .seed = sampler.seed,
                                  .logit_bias = sampler.logit_bias.data(),
                                  .num_logit_bias = sampler.logit_bias.size()};
    check(brt_stream_set_sampler(get(), &settings));
  }
  /// Draws the next token and does not read it.
  int32_t sample() {
    const int32_t token = brt_stream_sample(get());
    check(token);
    return token;
  }

  void save(const std::string& path) const { check(brt_stream_save(get(), path.c_str())); }

  brt_stream* get() const { return stream_.get(); }

 private:
  struct Free {
    void operator()(brt_stream* stream) const { brt_stream_free(stream); }
  };
  std::unique_ptr<brt_stream, Free> stream_;

  explicit Stream(brt_stream* stream) : stream_(stream) {
    if (!stream_) {
      throw Failure();
    }
  }
  static void check(int result) {
    if (result < 0) {
      throw Failure();
    }
  }
};

/// What one stream reads in feed_together().
struct Feed {
  Stream* stream = nullptr;
  std::span<const int32_t> tokens;
};

/// Several streams of one model read together.
inline void feed_together(std::span<const Feed> feeds) {
  std::vector<brt_feed> list;
  for (const Feed& feed : feeds) {
    list.push_back({feed.stream == nullptr ? nullptr : feed.stream->get(), feed.tokens.data(),
                    feed.tokens.size()});
  }
  if (brt_streams_feed(list.data(), list.size()) < 0) {
    throw Failure();
  }
}

}  // namespace brt::api
