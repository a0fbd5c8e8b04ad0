/* SPDX-License-Identifier: Apache-2.0 */
/* C interface of brt: read and continue documents with a Block-Recurrent Transformer.

   A function that fails returns NULL or a negative number; brt_last_error() says why. NULL for an
   argument is such a failure, unless the function allows it. Strings are UTF-8. A model may be used
   by several threads; their calls wait for each other. A stream may be used by one thread at a
   time. A thread that calls needs no more than 1 MiB of stack.

   A process may fork while none of its threads is in a call: models and streams then work in the
   child as in the parent. The child starts threads of its own when it first feeds. */
#ifndef BRT_BRT_H
#define BRT_BRT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define BRT_API __attribute__((visibility("default")))
#else
#define BRT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when programs that were built against an older header no longer work. */
#define BRT_API_VERSION 1

typedef struct brt_model brt_model;
typedef struct brt_stream brt_stream;

/* How weights lie in memory. */
typedef enum brt_weights {
  BRT_WEIGHTS_FP32 = 0, /* exact, for checking */
  BRT_WEIGHTS_BF16 = 1, /* the usual one */
  BRT_WEIGHTS_INT8 = 2  /* smallest, fastest token by token */
} brt_weights;

typedef struct brt_logit_bias {
  int32_t token;
  double bias; /* added to the token's logit; -INFINITY bans it */
} brt_logit_bias;

/* Settings of sampling. The steps come in this order: logit bias, repetition penalty, top-k, top-p,
   min-p, temperature. */
typedef struct brt_sampler {
  double temperature;        /* 0: always the most likely token */
  int64_t top_k;             /* draw from this many of the most likely tokens; 0: all */
  double top_p;              /* draw from the fewest tokens that hold this probability; 1: all */
  double min_p;              /* drop tokens below this part of the largest probability */
  double repetition_penalty; /* above 1: recent tokens become less likely */
  int64_t repetition_window; /* how many tokens are recent */
  uint64_t seed; /* a draw depends on it and the token's position in its document only */
  const brt_logit_bias* logit_bias; /* may be NULL */
  size_t num_logit_bias;
} brt_sampler;

/* The version of the library, such as "0.1.0". */
BRT_API const char* brt_version(void);

/* Why the last call of this thread failed, with a hint on a second line where there is one; "" if
   none has. Stays until the next failing call of the thread. */
BRT_API const char* brt_last_error(void);

/* Loads a model folder (config.json, model.safetensors and the tokenizer), the newest sound
   checkpoint of a run folder RUN, or the one that RUN@best, RUN@latest or RUN@STEP names.
   brt_model_note() tells if that is not the newest or not the best. threads 0: one for each core
   that the process may use. Fewer work if the system refuses to start so many, and while other
   programs want the cores; no number depends on it. NULL on failure. */
BRT_API brt_model* brt_model_load(const char* path, brt_weights weights, int64_t threads);

/* What a user should know of the model that was loaded, a line for each thing: newer checkpoints of
   the run are damaged and passed over, another checkpoint has a lower validation loss, fewer
   threads were started than asked for. "" if there is nothing to say. Lives as long as the model.
   NULL on failure. */
BRT_API const char* brt_model_note(const brt_model* model);

/* Streams keep what they need of their model, so that it may be freed before them. NULL is allowed.
 */
BRT_API void brt_model_free(brt_model* model);

BRT_API int64_t brt_model_vocab_size(const brt_model* model);
/* The token that closes a document; it is never to be fed. */
BRT_API int32_t brt_model_document_end(const brt_model* model);
/* Hash of the config and of every weight: the identity of the model. 0 on failure. */
BRT_API uint64_t brt_model_fingerprint(const brt_model* model);

/* Tokens of a text. Writes up to `capacity` of them and returns how many there are, which may be
   more; negative on failure. `text` need not be UTF-8 and may hold zeros. */
BRT_API int64_t brt_model_encode(
    const brt_model* model, const char* text, size_t text_bytes, int32_t* tokens, size_t capacity);
/* The bytes that a token stands for, not ended by a zero, possibly part of a character; none for
   the document's end. They live as long as the model. NULL if there is no such token. */
BRT_API const char* brt_model_token_bytes(const brt_model* model, int32_t token, size_t* num_bytes);

/* An empty document. NULL on failure. */
BRT_API brt_stream* brt_stream_new(brt_model* model);
/* A copy that goes on independently. NULL on failure. */
BRT_API brt_stream* brt_stream_fork(const brt_stream* stream);
/* NULL is allowed. */
BRT_API void brt_stream_free(brt_stream* stream);

/* Reads tokens. 0, or negative on failure: nothing is read then, unless another program wrote over
   the model's file; the stream is of no use after that. The token that closes a document is
   refused. */
BRT_API int brt_stream_feed(brt_stream* stream, const int32_t* tokens, size_t num_tokens);

/* What one stream reads in brt_streams_feed. */
typedef struct brt_feed {
  brt_stream* stream;
  const int32_t* tokens;
  size_t num_tokens;
} brt_feed;
/* Several streams of one model read together, which is faster than one after the other and gives
   each the same numbers as alone. No stream may be named twice. 0, or negative on failure: nothing
   is read then, unless another program wrote over the model's file; the streams are of no use after
   that. */
BRT_API int brt_streams_feed(const brt_feed* feeds, size_t num_feeds);

/* Tokens that the stream has read. */
BRT_API int64_t brt_stream_tokens_read(const brt_stream* stream);
/* The vocab_size logits of the next token, valid until the stream reads or is freed; NULL before
   the first token and on failure, with *num_logits 0. num_logits may be NULL. */
BRT_API const float* brt_stream_logits(const brt_stream* stream, size_t* num_logits);

/* The settings that sampling begins with: temperature 1, seed 1, all else off. */
BRT_API brt_sampler brt_sampler_default(void);
/* Settings of the stream's draws; they are part of its saved state. 0, or negative on failure. */
BRT_API int brt_stream_set_sampler(brt_stream* stream, const brt_sampler* sampler);
/* Draws the next token and does not read it. It may be the document's end. Negative on failure, as
   before the first token. */
BRT_API int32_t brt_stream_sample(brt_stream* stream);

/* Saves the stream in a file that appears whole or not at all. 0, or negative on failure. */
BRT_API int brt_stream_save(const brt_stream* stream, const char* path);
/* A stream that was saved, which goes on exactly as it would have. The file must come from the same
   model, with the same weight format. NULL on failure. */
BRT_API brt_stream* brt_stream_load(brt_model* model, const char* path);

#ifdef __cplusplus
}
#endif

#endif
