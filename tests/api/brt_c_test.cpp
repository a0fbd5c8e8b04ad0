// SPDX-License-Identifier: Apache-2.0
// The interface of libbrt.so, in C++ and in C, and what the library shows and needs.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <brt/brt.hpp>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/scratch_folder.h"
#include "engine/tiny_model_folder.h"
#include "support/random_text.h"
#include "support/text_assertions.h"
#include "support/written_files.h"

namespace brt {
namespace {

using api::Failure;

const std::filesystem::path& model_folder() {
  static const TinyModelFolder folder;
  return folder.path();
}

const api::Model& tiny_model_of_api() {
  static const api::Model model(model_folder().string(), api::Weights::kFloat32, 1);
  return model;
}

api::Stream stream_after(std::string_view text) {
  api::Stream stream(tiny_model_of_api());
  stream.feed(tiny_model_of_api().encode(text));
  return stream;
}

std::string continue_text(api::Stream& stream, int tokens) {
  std::string text;
  for (int i = 0; i < tokens; ++i) {
    const int32_t token = stream.sample();
    text += tiny_model_of_api().token_bytes(token);
    stream.feed(token);
  }
  return text;
}

/// The document's end is banned.
api::Sampler endless(uint64_t seed) {
  return {.seed = seed, .logit_bias = {{.token = 256, .bias = -INFINITY}}};
}

std::vector<float> logits_of(const api::Stream& stream) {
  return {stream.logits().begin(), stream.logits().end()};
}

struct CommandResult {
  int code = 0;
  std::string output;
};

CommandResult run_command(const std::string& command) {
  CommandResult result;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) {
    return {.code = -1, .output = "popen failed"};
  }
  std::array<char, 4096> buffer;
  for (size_t got = 1; got > 0;) {
    got = std::fread(buffer.data(), 1, buffer.size(), pipe);
    result.output.append(buffer.data(), got);
  }
  result.code = WEXITSTATUS(::pclose(pipe));
  return result;
}

TEST(BrtApi, AModelNamesItself) {
  EXPECT_EQ(tiny_model_of_api().vocab_size(), 257);
  EXPECT_EQ(tiny_model_of_api().document_end(), 256);
  EXPECT_EQ(tiny_model_of_api().fingerprint(), Engine(model_folder(), {}).fingerprint());
  EXPECT_NE(std::string(brt_version()), "");
}

TEST(BrtApi, ARunFolderStandsForItsNewestSoundCheckpoint) {
  const ScratchFolder scratch;
  const auto checkpoint = [&](int64_t step) {
    return scratch / "checkpoints" / checkpoint_name(step);
  };
  const auto message = [&] {
    return thrown_message<Failure>([&] { const api::Model model(scratch.path().string()); });
  };
  std::filesystem::create_directories(scratch / "checkpoints");
  EXPECT_TRUE(contains(message(), "the run has no checkpoint yet\nhint: train it"));
  for (const int64_t step : {3, 4}) {
    std::filesystem::copy(model_folder(), checkpoint(step));
    write_manifest(checkpoint(step));
  }
  const api::Model newest(scratch.path().string());
  EXPECT_EQ(newest.fingerprint(), tiny_model_of_api().fingerprint());
  EXPECT_EQ(newest.note(), "");
  damage_file(checkpoint(4) / "model.safetensors");
  const api::Model older(scratch.path().string());
  EXPECT_EQ(older.fingerprint(), tiny_model_of_api().fingerprint());
  EXPECT_TRUE(contains(older.note(), "step-00000004"));
  EXPECT_TRUE(contains(older.note(), "step-00000003"));
  EXPECT_TRUE(
      contains(thrown_message<Failure>([&] { const api::Model model(checkpoint(4).string()); }),
               "is damaged: model.safetensors has checksum"));
  damage_file(checkpoint(3) / "model.safetensors");
  EXPECT_TRUE(contains(message(), "no checkpoint of the run is sound"));
}

TEST(BrtApi, TheNoteNamesABetterCheckpoint) {
  const ScratchFolder scratch;
  for (const int64_t step : {3, 4}) {
    const std::filesystem::path folder = scratch / "checkpoints" / checkpoint_name(step);
    std::filesystem::create_directories(folder.parent_path());
    std::filesystem::copy(model_folder(), folder);
    put_bytes(folder / "trainer.json", R"({"loop":{"best":{"step":3}}})");
    write_manifest(folder);
  }
  const std::string run = scratch.path().string();
  EXPECT_TRUE(contains(api::Model(run).note(), "step 3 had a lower validation loss"));
  EXPECT_TRUE(contains(api::Model(run).note(), run + "@best"));
  EXPECT_EQ(api::Model(run + "@best").note(), "");
}

TEST(BrtApi, ATokenizerThatIsLargerThanTheModelIsRefused) {
  ModelConfig config = tiny_config();
  config.vocab_size = 200;  // the bytes and the document's end are 257
  const TinyModelFolder folder(config);
  EXPECT_TRUE(
      contains(thrown_message<Failure>([&] { const api::Model model(folder.path().string()); }),
               "the tokenizer (bytes) has 257 tokens, the model's vocabulary 200\nhint: put the "
               "tokenizer.model that the model was trained with into the model folder"));
}

/// What a child of this process prints when it feeds a stream: its logits as bytes. Empty if it
/// does not end by itself within ten seconds.
std::string logits_fed_in_a_child(api::Stream& stream, const std::vector<int32_t>& tokens) {
  std::array<int, 2> ends = {};
  if (::pipe(ends.data()) != 0) {
    return "";
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    stream.feed(tokens);
    const std::span<const float> logits = stream.logits();
    ::_exit(::write(ends[1], logits.data(), logits.size_bytes()) > 0 ? 0 : 1);
  }
  ::close(ends[1]);
  std::string bytes;
  std::array<char, 4096> buffer;
  for (ssize_t got = 1; got > 0;) {
    got = ::read(ends[0], buffer.data(), buffer.size());
    bytes.append(buffer.data(), static_cast<size_t>(std::max<ssize_t>(got, 0)));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? bytes : "";
}

TEST(BrtApi, AForkedChildFeedsItsStreamsAsTheParentDoes) {
  const api::Model model(model_folder().string(), api::Weights::kFloat32, /*threads=*/2);
  const std::vector<int32_t> tokens = model.encode("It was a dark night");
  api::Stream stream(model);
  stream.feed(model.encode("So:"));
  const std::string in_child = logits_fed_in_a_child(stream, tokens);
  stream.feed(tokens);
  const std::span<const float> logits = stream.logits();
  EXPECT_TRUE(in_child ==
              std::string(reinterpret_cast<const char*>(logits.data()), logits.size_bytes()))
      << in_child.size() << " bytes came from the child";
}

TEST(BrtApi, TextBecomesTokensAndTokensBytes) {
  const std::string text("a\0\xff", 3);
  EXPECT_EQ(tiny_model_of_api().encode(text), (std::vector<int32_t>{'a', 0, 0xff}));
  EXPECT_EQ(tiny_model_of_api().token_bytes(0), std::string_view("\0", 1));
  EXPECT_EQ(tiny_model_of_api().token_bytes(256), "");
  EXPECT_THROW(tiny_model_of_api().token_bytes(257), Failure);
  EXPECT_TRUE(tiny_model_of_api().encode("").empty());
}

TEST(BrtApi, OneTokenATimeEqualsAllAtOnce) {
  api::Stream one(tiny_model_of_api());
  EXPECT_TRUE(one.logits().empty());
  for (const int32_t token : tiny_model_of_api().encode("It was a dark")) {
    one.feed(token);
  }
  EXPECT_EQ(one.tokens_read(), 13);
  EXPECT_EQ(one.logits().size(), 257U);
  EXPECT_EQ(logits_of(one), logits_of(stream_after("It was a dark")));
}

TEST(BrtApi, StreamsTogetherGiveWhatEachGivesAlone) {
  api::Stream first(tiny_model_of_api());
  api::Stream second = stream_after("ab");
  const std::vector<int32_t> long_text = tiny_model_of_api().encode("It was a dark");
  const std::vector<int32_t> short_text = tiny_model_of_api().encode("c");
  const std::array<api::Feed, 2> feeds = {
      {{.stream = &first, .tokens = long_text}, {.stream = &second, .tokens = short_text}}};
  api::feed_together(feeds);
  EXPECT_EQ(logits_of(first), logits_of(stream_after("It was a dark")));
  EXPECT_EQ(logits_of(second), logits_of(stream_after("abc")));
  const std::array<api::Feed, 2> twice = {
      {{.stream = &first, .tokens = long_text}, {.stream = &first, .tokens = short_text}}};
  EXPECT_THROW(api::feed_together(twice), Failure);
}

TEST(BrtApi, AForkGoesOnAsItsOriginDoes) {
  api::Stream stream = stream_after("It was");
  stream.set_sampler(endless(5));
  api::Stream fork = stream;
  const std::string text = continue_text(stream, 30);
  EXPECT_EQ(continue_text(fork, 30), text);
  fork = stream_after("It was");
  fork.set_sampler(endless(6));
  EXPECT_NE(continue_text(fork, 30), text);
}

TEST(BrtApi, ASavedStreamGoesOnExactly) {
  ScratchFolder folder;
  api::Stream stream = stream_after("It was");
  stream.set_sampler(endless(5));
  continue_text(stream, 7);
  stream.save(folder / "s");
  api::Stream loaded = api::Stream::load(tiny_model_of_api(), folder / "s");
  EXPECT_EQ(loaded.tokens_read(), 13);
  EXPECT_EQ(logits_of(loaded), logits_of(stream));
  EXPECT_EQ(continue_text(loaded, 30), continue_text(stream, 30));  // the sampler is saved too
}

TEST(BrtApi, GreedySamplingTakesTheLargestLogit) {
  api::Stream stream = stream_after("It was");
  stream.set_sampler({.temperature = 0.0});
  const std::span<const float> logits = stream.logits();
  EXPECT_EQ(stream.sample(), std::ranges::max_element(logits) - logits.begin());
}

TEST(BrtApi, AModelMayGoBeforeItsStreams) {
  brt_model* model = brt_model_load(model_folder().c_str(), BRT_WEIGHTS_BF16, 1);
  ASSERT_NE(model, nullptr) << brt_last_error();
  brt_stream* stream = brt_stream_new(model);
  brt_model_free(model);
  const int32_t token = 'a';
  EXPECT_EQ(brt_stream_feed(stream, &token, 1), 0);
  EXPECT_NE(brt_stream_logits(stream, nullptr), nullptr);
  brt_stream_free(stream);
  brt_stream_free(nullptr);
  brt_model_free(nullptr);
}

TEST(BrtApi, FailuresSayWhy) {
  ScratchFolder folder;
  EXPECT_TRUE(contains(thrown_message<Failure>([&] { api::Model(folder / "none"); }),
                       (folder / "none").string()));
  api::Stream stream(tiny_model_of_api());
  EXPECT_TRUE(contains(thrown_message<Failure>([&] { stream.sample(); }), "nothing to continue"));
  EXPECT_THROW(stream.feed(257), Failure);
  EXPECT_EQ(stream.tokens_read(), 0);
  EXPECT_TRUE(contains(thrown_message<Failure>([&] { stream.set_sampler({.top_p = 2.0}); }),
                       "top_p must be"));
  put_bytes(folder / "s", "no state");
  EXPECT_TRUE(contains(
      thrown_message<Failure>([&] { api::Stream::load(tiny_model_of_api(), folder / "s"); }),
      "not a state file"));
}

/// What a function of the C interface says when it fails.
template <class Call>
std::string failure_of(Call&& call) {
  const auto result = call();
  using Result = std::remove_const_t<decltype(result)>;
  if constexpr (std::is_pointer_v<Result>) {
    EXPECT_EQ(result, nullptr);
  } else if constexpr (std::is_signed_v<Result>) {
    EXPECT_LT(result, 0);
  } else {
    EXPECT_EQ(result, Result(0));
  }
  return brt_last_error();
}

TEST(BrtApi, EveryFunctionRefusesNull) {
  brt_model* model = tiny_model_of_api().get();
  api::Stream owner = stream_after("It was");
  brt_stream* stream = owner.get();
  const brt_sampler sampler = brt_sampler_default();
  brt_sampler no_bias = sampler;
  no_bias.num_logit_bias = 1;
  const brt_feed no_stream = {.stream = nullptr, .tokens = nullptr, .num_tokens = 0};
  const brt_feed no_tokens = {.stream = stream, .tokens = nullptr, .num_tokens = 1};
  int32_t token = 'a';
  size_t size = 7;
  const auto expect = [](std::string_view name, const std::string& message) {
    EXPECT_EQ(message, "the argument " + std::string(name) + " is NULL");
  };
  expect("path", failure_of([&] { return brt_model_load(nullptr, BRT_WEIGHTS_FP32, 1); }));
  expect("model", failure_of([&] { return brt_model_note(nullptr); }));
  expect("model", failure_of([&] { return brt_model_vocab_size(nullptr); }));
  expect("model", failure_of([&] { return brt_model_document_end(nullptr); }));
  expect("model", failure_of([&] { return brt_model_fingerprint(nullptr); }));
  expect("model", failure_of([&] { return brt_model_encode(nullptr, "a", 1, &token, 1); }));
  expect("text", failure_of([&] { return brt_model_encode(model, nullptr, 1, &token, 1); }));
  expect("tokens", failure_of([&] { return brt_model_encode(model, "a", 1, nullptr, 1); }));
  expect("model", failure_of([&] { return brt_model_token_bytes(nullptr, 'a', &size); }));
  expect("num_bytes", failure_of([&] { return brt_model_token_bytes(model, 'a', nullptr); }));
  expect("model", failure_of([&] { return brt_stream_new(nullptr); }));
  expect("stream", failure_of([&] { return brt_stream_fork(nullptr); }));
  expect("feeds", failure_of([&] { return brt_streams_feed(nullptr, 1); }));
  expect("stream", failure_of([&] { return brt_stream_tokens_read(nullptr); }));
  expect("stream", failure_of([&] { return brt_stream_logits(nullptr, &size); }));
  EXPECT_EQ(size, 0U);
  expect("stream", failure_of([&] { return brt_stream_logits(nullptr, nullptr); }));
  expect("stream", failure_of([&] { return brt_stream_set_sampler(nullptr, &sampler); }));
  expect("sampler", failure_of([&] { return brt_stream_set_sampler(stream, nullptr); }));
  expect("sampler->logit_bias",
         failure_of([&] { return brt_stream_set_sampler(stream, &no_bias); }));
  expect("stream", failure_of([&] { return brt_stream_sample(nullptr); }));
  expect("stream", failure_of([&] { return brt_stream_save(nullptr, "s"); }));
  expect("path", failure_of([&] { return brt_stream_save(stream, nullptr); }));
  expect("model", failure_of([&] { return brt_stream_load(nullptr, "s"); }));
  expect("path", failure_of([&] { return brt_stream_load(model, nullptr); }));
  EXPECT_EQ(failure_of([&] { return brt_stream_feed(nullptr, &token, 1); }),
            "a feed has no stream");
  EXPECT_EQ(failure_of([&] { return brt_streams_feed(&no_stream, 1); }), "a feed has no stream");
  EXPECT_EQ(failure_of([&] { return brt_streams_feed(&no_tokens, 1); }), "a feed has no tokens");
  EXPECT_EQ(owner.tokens_read(), 6);
}

TEST(BrtApi, NothingAtNullIsAllowed) {
  brt_model* model = tiny_model_of_api().get();
  api::Stream stream = stream_after("It was");
  EXPECT_EQ(brt_model_encode(model, nullptr, 0, nullptr, 0), 0);
  EXPECT_EQ(brt_model_encode(model, "abc", 3, nullptr, 0), 3);
  EXPECT_EQ(brt_stream_feed(stream.get(), nullptr, 0), 0);
  EXPECT_EQ(brt_streams_feed(nullptr, 0), 0);
  EXPECT_NE(brt_stream_logits(stream.get(), nullptr), nullptr);
  EXPECT_THROW(api::feed_together(std::array<api::Feed, 1>{}), Failure);
}

TEST(BrtApi, TheDocumentsEndIsNotRead) {
  api::Stream stream = stream_after("It was");
  const std::vector<float> before = logits_of(stream);
  const std::vector<int32_t> tokens = {'a', tiny_model_of_api().document_end(), 'b'};
  EXPECT_TRUE(contains(thrown_message<Failure>([&] { stream.feed(tokens); }),
                       "token 256 closes a document: it is never to be fed"));
  EXPECT_EQ(stream.tokens_read(), 6);
  EXPECT_EQ(logits_of(stream), before);
}

/// Runs `work` in a thread with a stack of 1 MiB and waits for it.
void run_with_a_small_stack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, size_t{1} << 20), 0);
  pthread_t thread = {};
  const auto start = [](void* given) -> void* {
    (*static_cast<const std::function<void()>*>(given))();
    return nullptr;
  };
  ASSERT_EQ(::pthread_create(&thread, &attributes, start,
                             const_cast<void*>(static_cast<const void*>(&work))),
            0);
  ASSERT_EQ(::pthread_join(thread, nullptr), 0);
  ::pthread_attr_destroy(&attributes);
}

TEST(BrtApi, AStackOfOneMebibyteSuffices) {
  ScratchFolder folder;
  const std::vector<int32_t> tokens =
      tiny_model_of_api().encode(random_text(/*bytes=*/3000, /*seed=*/7));
  for (const api::Weights weights :
       {api::Weights::kFloat32, api::Weights::kBfloat16, api::Weights::kInt8}) {
    int32_t token = -1;
    run_with_a_small_stack([&] {
      const api::Model model(model_folder().string(), weights, 1);
      api::Stream stream(model);
      stream.feed(tokens);
      stream.save(folder / "s");
      api::Stream loaded = api::Stream::load(model, folder / "s");
      loaded.feed('a');
      token = loaded.sample();
    });
    EXPECT_GE(token, 0);
  }
}

TEST(BrtApi, TheExampleInCGoesOnExactlyFromItsState) {
  ScratchFolder folder;
  const CommandResult result =
      run_command(std::string(BRT_C_EXAMPLE) + " " + model_folder().string() + " 'It was' 40 " +
                  (folder / "s").string());
  ASSERT_EQ(result.code, 0) << result.output;
  ASSERT_GT(result.output.size(), 2U);
  const size_t half = result.output.size() / 2;
  EXPECT_EQ(result.output.substr(0, half), result.output.substr(half));
  EXPECT_EQ(run_command(std::string(BRT_C_EXAMPLE) + " /nowhere x 1").code, 1);
}

TEST(BrtLibrary, ShowsTheInterfaceOnly) {
  const CommandResult symbols = run_command("nm -D --defined-only " BRT_LIBRARY);
  if (symbols.code != 0) {
    GTEST_SKIP() << "nm is not on this machine";
  }
  std::istringstream lines(symbols.output);
  int64_t functions = 0;
  for (std::string address, kind, name; lines >> address >> kind >> name;) {
    EXPECT_TRUE(name.starts_with("brt_")) << name;
    ++functions;
  }
  EXPECT_EQ(functions, 22);
}

TEST(BrtLibrary, NeedsNoLibTorch) {
  const CommandResult libraries = run_command("ldd " BRT_LIBRARY);
  if (libraries.code != 0) {
    GTEST_SKIP() << "ldd is not on this machine";
  }
  EXPECT_TRUE(contains(libraries.output, "libc.so"));
  for (const char* name : {"torch", "libc10", "not found"}) {  // addresses may hold "c10"
    EXPECT_EQ(libraries.output.find(name), std::string::npos) << libraries.output;
  }
}

}  // namespace
}  // namespace brt
