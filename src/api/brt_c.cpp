// SPDX-License-Identifier: Apache-2.0
// The C interface over the streaming engine: thin wrappers that turn exceptions into results.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <brt/brt.h>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/session.h"
#include "engine/state_file.h"
#include "generate/load_engine.h"
#include "generate/prompt_reader.h"
#include "generate/sampler.h"
#include "text/tokenizer.h"

namespace brt {
namespace {

/// What models and streams of one folder share.
struct SharedModel {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Tokenizer> tokenizer;
  std::string note;  ///< a line for each thing that the user should know of the checkpoint
  std::mutex mutex;  ///< held while the engine computes
};

std::shared_ptr<SharedModel> load_shared(const std::filesystem::path& path,
                                         const EngineOptions& options) {
  const std::shared_ptr<SharedModel> shared = std::make_shared<SharedModel>();
  const auto remember = [&](const std::string& text) {
    shared->note += (shared->note.empty() ? "" : "\n") + text;
  };
  EngineWithTokenizer loaded = load_engine(path, options, {.warn = remember, .note = remember});
  shared->engine = std::move(loaded.engine);
  shared->tokenizer = std::move(loaded.tokenizer);
  return shared;
}

std::string& last_error() {
  thread_local std::string message;
  return message;
}

/// The result of `call`, or `failure` with the message kept if it throws.
template <class Result, class Call>
Result guarded(Result failure, Call&& call) noexcept {
  try {
    return call();
  } catch (const std::exception& error) {
    last_error() = error.what();
  } catch (...) {
    last_error() = "an unknown error";
  }
  return failure;
}

void require(bool holds, const std::string& message) {
  if (!holds) {
    throw Error(message);
  }
}

/// Every function asks for what it is about to read or write through.
void require_argument(const void* pointer, const char* name) {
  require(pointer != nullptr, std::string("the argument ") + name + " is NULL");
}

/// A pointer to so many of something may be NULL if there are none.
void require_array(const void* pointer, size_t count, const char* name) {
  require(pointer != nullptr || count == 0, std::string("the argument ") + name + " is NULL");
}

WeightFormat weight_format(brt_weights weights) {
  switch (weights) {
    case BRT_WEIGHTS_FP32:
      return WeightFormat::kFloat32;
    case BRT_WEIGHTS_BF16:
      return WeightFormat::kBfloat16;
    case BRT_WEIGHTS_INT8:
      return WeightFormat::kInt8;
  }
  throw ConfigError("weights must be BRT_WEIGHTS_FP32, _BF16 or _INT8");
}

SamplerOptions sampler_options(const brt_sampler& sampler) {
  require_array(sampler.logit_bias, sampler.num_logit_bias, "sampler->logit_bias");
  SamplerOptions options = {.temperature = sampler.temperature,
                            .top_k = sampler.top_k,
                            .top_p = sampler.top_p,
                            .min_p = sampler.min_p,
                            .repetition_penalty = sampler.repetition_penalty,
                            .repetition_window = sampler.repetition_window,
                            .seed = sampler.seed};
  for (size_t i = 0; i < sampler.num_logit_bias; ++i) {
    options.logit_bias.emplace_back(sampler.logit_bias[i].token, sampler.logit_bias[i].bias);
  }
  return options;
}

}  // namespace
}  // namespace brt

struct brt_model {
  std::shared_ptr<brt::SharedModel> shared;
};

struct brt_stream {
  brt_stream(std::shared_ptr<brt::SharedModel> model, brt::Session document)
      : shared(std::move(model)), session(std::move(document)), sampler(session.text.sampler) {}

  std::shared_ptr<brt::SharedModel> shared;
  brt::Session session;
  brt::Sampler sampler;
};

namespace brt {
namespace {

/// Nothing follows a document's end, and the model has never read one.
void require_no_end(std::span<const int32_t> tokens, const Tokenizer& tokenizer) {
  const int32_t end = tokenizer.document_end();
  require(std::ranges::find(tokens, end) == tokens.end(),
          "token " + std::to_string(end) + " closes a document: it is never to be fed");
}

/// Engine feeds of the streams; each is named once and all are of one model.
std::vector<Feed> engine_feeds(std::span<const brt_feed> feeds) {
  std::vector<const brt_stream*> named;
  std::vector<Feed> list;
  for (const brt_feed& feed : feeds) {
    require(feed.stream != nullptr, "a feed has no stream");
    require(feed.stream->shared == feeds[0].stream->shared, "the streams are of several models");
    require(std::ranges::find(named, feed.stream) == named.end(), "a stream is named twice");
    require(feed.tokens != nullptr || feed.num_tokens == 0, "a feed has no tokens");
    require_no_end({feed.tokens, feed.num_tokens}, *feed.stream->shared->tokenizer);
    named.push_back(feed.stream);
    if (feed.num_tokens > 0) {
      list.push_back({.state = &feed.stream->session.stream,
                      .tokens = {feed.tokens, feed.num_tokens},
                      .visit = {}});
    }
  }
  return list;
}

void feed_all(const brt_feed* all, size_t num_feeds) {
  require_array(all, num_feeds, "feeds");
  const std::span<const brt_feed> feeds(all, num_feeds);
  std::vector<Feed> list = engine_feeds(feeds);
  if (list.empty()) {
    return;
  }
  SharedModel& shared = *feeds[0].stream->shared;
  {
    const std::lock_guard<std::mutex> lock(shared.mutex);
    shared.engine->feed(list);
  }
  for (const brt_feed& feed : feeds) {
    TextProgress& text = feed.stream->session.text;
    const std::span<const int32_t> tokens(feed.tokens, feed.num_tokens);
    text.remember(tokens);
    text.stop_text.clear();
    for (const int32_t token : tokens) {
      if (token < shared.tokenizer->vocab_size()) {
        text.bytes_read += static_cast<int64_t>(shared.tokenizer->token_bytes(token).size());
      }
    }
  }
}

}  // namespace
}  // namespace brt

const char* brt_version(void) { return BRT_VERSION; }

const char* brt_last_error(void) { return brt::last_error().c_str(); }

brt_model* brt_model_load(const char* path, brt_weights weights, int64_t threads) {
  return brt::guarded<brt_model*>(nullptr, [&] {
    brt::require_argument(path, "path");
    const brt::EngineOptions options = {.weights = brt::weight_format(weights), .threads = threads};
    return new brt_model{brt::load_shared(path, options)};
  });
}

void brt_model_free(brt_model* model) { delete model; }

const char* brt_model_note(const brt_model* model) {
  return brt::guarded<const char*>(nullptr, [&] {
    brt::require_argument(model, "model");
    return model->shared->note.c_str();
  });
}

int64_t brt_model_vocab_size(const brt_model* model) {
  return brt::guarded<int64_t>(-1, [&] {
    brt::require_argument(model, "model");
    return model->shared->engine->config().vocab_size;
  });
}

int32_t brt_model_document_end(const brt_model* model) {
  return brt::guarded<int32_t>(-1, [&] {
    brt::require_argument(model, "model");
    return model->shared->tokenizer->document_end();
  });
}

uint64_t brt_model_fingerprint(const brt_model* model) {
  return brt::guarded<uint64_t>(0, [&] {
    brt::require_argument(model, "model");
    return model->shared->engine->fingerprint();
  });
}

int64_t brt_model_encode(
    const brt_model* model, const char* text, size_t text_bytes, int32_t* tokens, size_t capacity) {
  return brt::guarded<int64_t>(-1, [&] {
    brt::require_argument(model, "model");
    brt::require_array(text, text_bytes, "text");
    brt::require_array(tokens, capacity, "tokens");
    const std::string_view whole =
        text == nullptr ? std::string_view() : std::string_view(text, text_bytes);
    const std::vector<int32_t> all = model->shared->tokenizer->encode_document(whole);
    std::copy_n(all.begin(), std::min(capacity, all.size()), tokens);
    return static_cast<int64_t>(all.size());
  });
}

const char* brt_model_token_bytes(const brt_model* model, int32_t token, size_t* num_bytes) {
  return brt::guarded<const char*>(nullptr, [&] {
    brt::require_argument(model, "model");
    brt::require_argument(num_bytes, "num_bytes");
    const std::string_view bytes = model->shared->tokenizer->token_bytes(token);
    *num_bytes = bytes.size();
    return bytes.empty() ? "" : bytes.data();
  });
}

brt_stream* brt_stream_new(brt_model* model) {
  return brt::guarded<brt_stream*>(nullptr, [&] {
    brt::require_argument(model, "model");
    return new brt_stream(model->shared, {.stream = model->shared->engine->begin(), .text = {}});
  });
}

brt_stream* brt_stream_fork(const brt_stream* stream) {
  return brt::guarded<brt_stream*>(nullptr, [&] {
    brt::require_argument(stream, "stream");
    return new brt_stream(stream->shared, stream->session);
  });
}

void brt_stream_free(brt_stream* stream) { delete stream; }

int brt_stream_feed(brt_stream* stream, const int32_t* tokens, size_t num_tokens) {
  const brt_feed feed = {.stream = stream, .tokens = tokens, .num_tokens = num_tokens};
  return brt_streams_feed(&feed, 1);
}

int brt_streams_feed(const brt_feed* feeds, size_t num_feeds) {
  return brt::guarded<int>(-1, [&] {
    brt::feed_all(feeds, num_feeds);
    return 0;
  });
}

int64_t brt_stream_tokens_read(const brt_stream* stream) {
  return brt::guarded<int64_t>(-1, [&] {
    brt::require_argument(stream, "stream");
    return stream->session.stream.tokens_read();
  });
}

const float* brt_stream_logits(const brt_stream* stream, size_t* num_logits) {
  if (num_logits != nullptr) {
    *num_logits = 0;
  }
  return brt::guarded<const float*>(nullptr, [&] {
    brt::require_argument(stream, "stream");
    const std::span<const float> logits = stream->session.stream.logits();
    if (num_logits != nullptr) {
      *num_logits = logits.size();
    }
    return logits.empty() ? nullptr : logits.data();
  });
}

brt_sampler brt_sampler_default(void) {
  const brt::SamplerOptions options;
  return {.temperature = options.temperature,
          .top_k = options.top_k,
          .top_p = options.top_p,
          .min_p = options.min_p,
          .repetition_penalty = options.repetition_penalty,
          .repetition_window = options.repetition_window,
          .seed = options.seed,
          .logit_bias = nullptr,
          .num_logit_bias = 0};
}

int brt_stream_set_sampler(brt_stream* stream, const brt_sampler* sampler) {
  return brt::guarded<int>(-1, [&] {
    brt::require_argument(stream, "stream");
    brt::require_argument(sampler, "sampler");
    brt::Sampler checked(brt::sampler_options(*sampler));
    stream->session.text.sampler = checked.options();
    stream->sampler = std::move(checked);
    return 0;
  });
}

int32_t brt_stream_sample(brt_stream* stream) {
  return brt::guarded<int32_t>(-1, [&] {
    brt::require_argument(stream, "stream");
    const brt::Session& session = stream->session;
    brt::require(session.stream.tokens_read() > 0,
                 "there is nothing to continue: a document's first token is never predicted");
    // A model's vocabulary may be larger than its tokenizer's, padded; those tokens mean nothing.
    const size_t num_tokens = static_cast<size_t>(stream->shared->tokenizer->vocab_size());
    return stream->sampler.sample(session.stream.logits().first(num_tokens),
                                  session.text.recent_tokens, session.stream.tokens_read());
  });
}

int brt_stream_save(const brt_stream* stream, const char* path) {
  return brt::guarded<int>(-1, [&] {
    brt::require_argument(stream, "stream");
    brt::require_argument(path, "path");
    const brt::SharedModel& shared = *stream->shared;
    brt::save_state(path, stream->session, brt::identify(*shared.engine, *shared.tokenizer));
    return 0;
  });
}

brt_stream* brt_stream_load(brt_model* model, const char* path) {
  return brt::guarded<brt_stream*>(nullptr, [&] {
    brt::require_argument(model, "model");
    brt::require_argument(path, "path");
    std::string note;  // of another CPU target: the caller chose to load it here
    brt::Session session =
        brt::load_state(path, *model->shared->engine, *model->shared->tokenizer, note);
    if (!session.text.pending_text.empty()) {  // an unfinished line of brt score
      const std::lock_guard<std::mutex> lock(model->shared->mutex);
      brt::PromptReader(*model->shared->engine, *model->shared->tokenizer, session).finish();
    }
    return new brt_stream(model->shared, std::move(session));
  });
}
