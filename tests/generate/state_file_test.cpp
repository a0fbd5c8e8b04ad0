// SPDX-License-Identifier: Apache-2.0
// State files: going on exactly, and refusing what is damaged or another model's.
#include "generate/state_file.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "base/error.h"
#include "base/hash.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/safetensors.h"
#include "eval/tiny_books.h"
#include "generate/text_generator.h"
#include "support/text_assertions.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

constexpr uint64_t kFingerprint = 0x0123456789abcdef;

ModelConfig feedback_config() {
  ModelConfig config = tiny_config();
  config.feedback = true;
  return config;
}

/// The document end has a logit of 0 only: min-p keeps it from being drawn.
LanguageModel endless_model(const ModelConfig& config) {
  LanguageModel model = tiny_model(config);
  const at::NoGradGuard no_grad;
  model->named_parameters()["embedding.weight"][256].zero_();
  return model;
}

StreamState state_after(LanguageModel model, int64_t tokens) {
  Stream stream(model, {});
  std::vector<int32_t> fed;
  for (int64_t i = 0; i < tokens; ++i) {
    fed.push_back(static_cast<int32_t>(i * 37 % 256));
  }
  stream.feed(fed, {});
  return {.carry = stream.carry(),
          .logits_V = stream.logits(),
          .tokens_read = stream.tokens_read(),
          .recent_tokens = fed,
          .seed = 18446744073709551615ULL};
}

class StateFiles : public testing::TestWithParam<ModelConfig> {};

TEST_P(StateFiles, FiftyTokensSavedAndFiftyMoreAreAHundred) {
  const LanguageModel model = endless_model(GetParam());
  const ByteTokenizer tokenizer;
  const Sampler sampler({.min_p = 0.1, .repetition_penalty = 1.2, .seed = 21});
  for (const std::string prompt : {"abc", "abcd", "abcde"}) {  // blocks of 4: within, and between
    const auto append_to = [](std::string& text) {
      return [&text](std::string_view part) { text += part; };
    };
    std::string whole;
    Stream whole_stream(model, {});
    TextGenerator whole_generator(whole_stream, tokenizer, sampler);
    whole_generator.read_prompt(prompt);
    whole_generator.finish_prompt();
    whole_generator.generate(100, {}, append_to(whole));

    ScratchFolder folder;
    std::string text;
    Stream first_stream(model, {});
    TextGenerator first(first_stream, tokenizer, sampler);
    first.read_prompt(prompt);
    first.finish_prompt();
    first.generate(50, {}, append_to(text));
    save_state(folder / "s",
               {.carry = first_stream.carry(),
                .logits_V = first_stream.logits(),
                .tokens_read = first_stream.tokens_read(),
                .recent_tokens = first.recent_tokens(),
                .seed = 21},
               kFingerprint);

    StreamState state = load_state(folder / "s", model->config(), kFingerprint);
    Stream second_stream(model, {});
    second_stream.restore(state.carry, state.logits_V, state.tokens_read);
    const Sampler second_sampler({.min_p = 0.1, .repetition_penalty = 1.2, .seed = state.seed});
    TextGenerator second(second_stream, tokenizer, second_sampler);
    second.set_recent_tokens(state.recent_tokens);
    second.generate(50, {}, append_to(text));
    ASSERT_EQ(whole.size(), 100U);
    EXPECT_EQ(text, whole);
    EXPECT_TRUE(at::equal(second_stream.logits(), whole_stream.logits()));
    EXPECT_EQ(second.recent_tokens(), whole_generator.recent_tokens());
  }
}

INSTANTIATE_TEST_SUITE_P(Models,
                         StateFiles,
                         testing::Values(tiny_config(), feedback_config()),
                         [](const testing::TestParamInfo<ModelConfig>& model) {
                           return model.param.feedback ? "Feedback" : "Recurrent";
                         });

TEST(StateFile, EveryBitComesBack) {
  ScratchFolder folder;
  for (const int64_t tokens : {4, 30, 31, 33}) {
    const StreamState state = state_after(tiny_model(), tokens);
    save_state(folder / "s", state, kFingerprint);
    const StreamState loaded = load_state(folder / "s", tiny_config(), kFingerprint);
    EXPECT_EQ(loaded.tokens_read, tokens);
    EXPECT_EQ(loaded.recent_tokens, state.recent_tokens);
    EXPECT_EQ(loaded.seed, state.seed);
    EXPECT_TRUE(at::equal(loaded.logits_V, state.logits_V));
    const TensorMap expected = state.carry.tensors();
    const TensorMap got = loaded.carry.tensors();
    ASSERT_EQ(got.size(), expected.size());
    for (const auto& [name, tensor] : expected) {
      EXPECT_TRUE(at::equal(got.at(name), tensor)) << name;
    }
  }
}

TEST(StateFile, AnotherModelsStateIsRefusedWithBothFingerprints) {
  ScratchFolder folder;
  save_state(folder / "s", state_after(tiny_model(), 9), kFingerprint);
  const std::string message = thrown_message<CheckpointError>(
      [&] { load_state(folder / "s", tiny_config(), kFingerprint + 1); });
  EXPECT_TRUE(contains(message, "0123456789abcdef"));
  EXPECT_TRUE(contains(message, "0123456789abcdf0"));
  EXPECT_NE(model_fingerprint(tiny_model(tiny_config(), 1)),
            model_fingerprint(tiny_model(tiny_config(), 2)));
}

TEST(StateFile, ADamagedFileIsRefused) {
  ScratchFolder folder;
  save_state(folder / "s", state_after(tiny_model(), 9), kFingerprint);
  const std::string sound = get_bytes(folder / "s");
  for (size_t place = 0; place < sound.size(); place += 211) {
    std::string bytes = sound;
    bytes[place] = static_cast<char>(bytes[place] ^ 0x04);
    put_bytes(folder / "s", bytes);
    EXPECT_THROW(load_state(folder / "s", tiny_config(), kFingerprint), CheckpointError)
        << "byte " << place;
  }
  put_bytes(folder / "s", sound.substr(0, sound.size() - 1));
  EXPECT_THROW(load_state(folder / "s", tiny_config(), kFingerprint), CheckpointError);
}

TEST(StateFile, ADamagedTensorIsToldByItsChecksum) {
  ScratchFolder folder;
  save_state(folder / "s", state_after(tiny_model(), 9), kFingerprint);
  std::string bytes = get_bytes(folder / "s");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  put_bytes(folder / "s", bytes);
  EXPECT_TRUE(
      contains(thrown_message<CheckpointError>([&] { describe_state(folder / "s"); }), "checksum"));
}

TEST(StateFile, AModelFileIsNotAState) {
  ScratchFolder folder;
  save_safetensors(folder / "s", {{"x", at::zeros({2})}});
  EXPECT_TRUE(contains(thrown_message<CheckpointError>(
                           [&] { load_state(folder / "s", tiny_config(), kFingerprint); }),
                       "not a state file"));
}

TEST(StateFile, IsDescribed) {
  ScratchFolder folder;
  save_state(folder / "s", state_after(tiny_model(), 9), kFingerprint);
  const StateFileInfo info = describe_state(folder / "s");
  EXPECT_EQ(info.format_version, 1);
  EXPECT_EQ(info.model_fingerprint, kFingerprint);
  EXPECT_EQ(info.tokens_read, 9);
  EXPECT_GT(info.bytes, 257 * 4);
}

}  // namespace
}  // namespace brt
