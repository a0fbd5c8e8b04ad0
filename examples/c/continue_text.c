/* SPDX-License-Identifier: Apache-2.0 */
/* Continues a text with a model, and shows that a saved stream goes on as the first did.

     cc -I include examples/c/continue_text.c -L build/release/lib -lbrt -o continue_text
     (installed, by pkg-config or CMake: docs/installing.md)
     ./continue_text MODEL_FOLDER "It was a dark" 200 [STATE_FILE]
*/
#include <brt/brt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, brt_last_error());
  return 1;
}

/* Reads all of a text. */
static int read_text(const brt_model* model, brt_stream* stream, const char* text) {
  const int64_t count = brt_model_encode(model, text, strlen(text), NULL, 0);
  int32_t* tokens = count < 0 ? NULL : malloc((size_t)count * sizeof(int32_t) + 1);
  int result = -1;
  if (tokens != NULL) {
    brt_model_encode(model, text, strlen(text), tokens, (size_t)count);
    result = brt_stream_feed(stream, tokens, (size_t)count);
  }
  free(tokens);
  return result;
}

/* Draws, prints and reads up to `count` tokens. */
static int continue_text(const brt_model* model, brt_stream* stream, long count) {
  for (; count > 0; --count) {
    const int32_t token = brt_stream_sample(stream);
    if (token < 0) {
      return -1;
    }
    if (token == brt_model_document_end(model)) {
      break;
    }
    size_t num_bytes = 0;
    const char* bytes = brt_model_token_bytes(model, token, &num_bytes);
    fwrite(bytes, 1, num_bytes, stdout);
    if (brt_stream_feed(stream, &token, 1) < 0) {
      return -1;
    }
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: %s MODEL_FOLDER PROMPT TOKENS [STATE_FILE]\n", argv[0]);
    return 2;
  }
  brt_model* model = brt_model_load(argv[1], BRT_WEIGHTS_BF16, 0);
  if (model == NULL) {
    return fail("the model cannot be loaded");
  }
  brt_stream* stream = brt_stream_new(model);
  if (stream == NULL || read_text(model, stream, argv[2]) < 0) {
    return fail("the prompt cannot be read");
  }
  brt_sampler sampler = brt_sampler_default();
  sampler.temperature = 0.8;
  sampler.seed = 7;
  if (brt_stream_set_sampler(stream, &sampler) < 0) {
    return fail("the sampler's settings");
  }
  const char* state_file = argc > 4 ? argv[4] : NULL;
  if (state_file != NULL && brt_stream_save(stream, state_file) < 0) {
    return fail("the state cannot be saved");
  }
  if (continue_text(model, stream, atol(argv[3])) < 0) {
    return fail("the text cannot be continued");
  }
  printf("\n");
  brt_stream_free(stream);
  if (state_file != NULL) { /* the same text again, from the file */
    stream = brt_stream_load(model, state_file);
    if (stream == NULL || continue_text(model, stream, atol(argv[3])) < 0) {
      return fail("the saved text cannot be continued");
    }
    printf("\n");
    brt_stream_free(stream);
  }
  brt_model_free(model);
  return 0;
}
