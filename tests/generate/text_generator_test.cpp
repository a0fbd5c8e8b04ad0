// SPDX-License-Identifier: Apache-2.0
// Continuations: reproducible, whole characters, ends where they must.
#include "generate/text_generator.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "base/error.h"
#include "eval/tiny_books.h"
#include "support/text_assertions.h"
#include "text/byte_tokenizer.h"
#include "text/utf8.h"

namespace brt {
namespace {

struct Continuation {
  std::string text;
  std::vector<std::string> parts;
  GenerationResult result;
};

/// With endless_model's logit of 0 for the document end, min-p keeps it from being drawn.
constexpr double kMinP = 0.1;

/// A tiny model whose document end is far less likely than other tokens.
LanguageModel endless_model() {
  LanguageModel model = tiny_model();
  const at::NoGradGuard no_grad;
  model->named_parameters()["embedding.weight"][256].zero_();
  return model;
}

Continuation continue_text(LanguageModel model,
                           const std::string& prompt,
                           int64_t tokens,
                           const SamplerOptions& options = {.min_p = kMinP},
                           const std::vector<std::string>& stop = {}) {
  const ByteTokenizer tokenizer;
  const Sampler sampler(options);
  Stream stream(model, {});
  TextGenerator generator(stream, tokenizer, sampler);
  generator.read_prompt(prompt);
  generator.finish_prompt();
  Continuation continuation;
  continuation.result = generator.generate(tokens, stop, [&](std::string_view part) {
    continuation.text += part;
    continuation.parts.emplace_back(part);
  });
  return continuation;
}

/// Makes a byte so likely after any text that it is always drawn: its embedding is aligned with the
/// hidden vector of the stream's end. Good for one step.
void make_next(LanguageModel& model, const std::string& prompt, int64_t token) {
  const at::NoGradGuard no_grad;
  const ByteTokenizer tokenizer;
  const std::vector<int32_t> tokens = tokenizer.encode_document(prompt);
  const at::Tensor tokens_BN =
      at::tensor(std::vector<int64_t>(tokens.begin(), tokens.end())).unsqueeze(0);
  const SegmentOutput output =
      model->forward(tokens_BN, at::ones({1}, at::kByte), make_carry(model->config(), 1), {});
  model->named_parameters()["embedding.weight"][token].copy_(output.hidden_BND[0][-1] * 20);
}

TEST(TextGenerator, TheSameSeedGivesTheSameText) {
  const Continuation first =
      continue_text(endless_model(), "It was", 80, {.min_p = kMinP, .seed = 4});
  const Continuation second =
      continue_text(endless_model(), "It was", 80, {.min_p = kMinP, .seed = 4});
  const Continuation other =
      continue_text(endless_model(), "It was", 80, {.min_p = kMinP, .seed = 5});
  EXPECT_EQ(first.text, second.text);
  EXPECT_NE(first.text, other.text);
  EXPECT_EQ(first.text.size(), 80U);
  EXPECT_EQ(first.result.tokens, 80);
  EXPECT_EQ(first.result.reason, FinishReason::kTokens);
}

TEST(TextGenerator, AShorterContinuationIsTheBeginningOfALongerOne) {
  const Continuation longer = continue_text(endless_model(), "It was", 80);
  const Continuation shorter = continue_text(endless_model(), "It was", 33);
  ASSERT_EQ(longer.text.size(), 80U);
  EXPECT_EQ(shorter.text, longer.text.substr(0, 33));
}

TEST(TextGenerator, GreedyTakesTheLargestLogitOfEachStep) {
  LanguageModel model = endless_model();
  const Continuation greedy = continue_text(model, "abc", 20, {.temperature = 0.0});
  Stream stream(model, {});
  const ByteTokenizer tokenizer;
  stream.feed(tokenizer.encode_document("abc"), {});
  ASSERT_EQ(greedy.text.size(), 20U);
  for (const char byte : greedy.text) {
    const int32_t token = static_cast<unsigned char>(byte);
    EXPECT_EQ(stream.logits().argmax().item<int64_t>(), token);
    stream.feed(std::vector<int32_t>{token}, {});
  }
}

TEST(TextGenerator, PromptInPartsEqualsPromptAtOnce) {
  LanguageModel model = endless_model();
  const std::string prompt = random_text(100, 8);
  const ByteTokenizer tokenizer;
  const Sampler sampler({.min_p = kMinP});
  Stream stream(model, {});
  TextGenerator generator(stream, tokenizer, sampler);
  for (size_t from = 0; from < prompt.size(); from += 7) {
    generator.read_prompt(std::string_view(prompt).substr(from, 7));
  }
  generator.finish_prompt();
  std::string text;
  generator.generate(30, {}, [&](std::string_view part) { text += part; });
  EXPECT_EQ(text, continue_text(model, prompt, 30).text);
  EXPECT_EQ(stream.tokens_read(), 130);
}

TEST(TextGenerator, EndsAtTheDocumentEndWithoutReadingIt) {
  LanguageModel model = tiny_model();
  make_next(model, "abc", 256);
  const ByteTokenizer tokenizer;
  const Sampler sampler({});
  Stream stream(model, {});
  TextGenerator generator(stream, tokenizer, sampler);
  generator.read_prompt("abc");
  generator.finish_prompt();
  for (int repeat = 0; repeat < 2; ++repeat) {  // asked again, it is still the end
    const GenerationResult result =
        generator.generate(10, {}, [](std::string_view part) { FAIL() << part; });
    EXPECT_EQ(result.reason, FinishReason::kDocumentEnd);
    EXPECT_EQ(result.tokens, 0);
    EXPECT_EQ(stream.tokens_read(), 3);
  }
}

TEST(TextGenerator, EndsBeforeAStopStringThatSpansTokens) {
  LanguageModel model = endless_model();
  const std::string free = continue_text(model, "It was", 80).text;
  const std::string stop = free.substr(40, 5);
  const size_t first = free.find(stop);
  const Continuation stopped =
      continue_text(model, "It was", 80, {.min_p = kMinP}, {"not there at all", stop});
  EXPECT_EQ(stopped.text, free.substr(0, first));
  EXPECT_EQ(stopped.result.reason, FinishReason::kStop);
  EXPECT_EQ(stopped.result.stop, stop);
  EXPECT_EQ(stopped.result.tokens, static_cast<int64_t>(first + 5));
}

TEST(TextGenerator, BeginningsOfStopStringsComeOutAtTheEnd) {
  LanguageModel model = endless_model();
  const std::string free = continue_text(model, "It was", 20).text;
  const Continuation held =
      continue_text(model, "It was", 20, {.min_p = kMinP}, {free.substr(15) + "?"});
  EXPECT_EQ(held.text, free);
  EXPECT_EQ(held.result.reason, FinishReason::kTokens);
}

TEST(TextGenerator, PartsNeverEndWithinACharacter) {
  LanguageModel model = endless_model();
  make_next(model, "Zo", 0xc3);
  make_next(model, "Zo\xc3", 0xab);
  const Continuation continuation = continue_text(model, "Zo", 2, {.temperature = 0.0});
  EXPECT_EQ(continuation.text, "\xc3\xab");
  EXPECT_EQ(continuation.parts, (std::vector<std::string>{"\xc3\xab"}));
}

TEST(TextGenerator, WithoutAPromptThereIsNothingToContinue) {
  EXPECT_TRUE(contains(thrown_message<Error>([] { continue_text(tiny_model(), "", 5); }),
                       "hint: give a prompt"));
}

TEST(TextGenerator, TokensOutsideTheTokenizerAreNeverDrawn) {
  ModelConfig config = tiny_config();
  config.vocab_size = 320;  // padded
  LanguageModel model = tiny_model(config);
  {
    const at::NoGradGuard no_grad;
    at::Tensor embedding = model->named_parameters()["embedding.weight"];
    embedding[256].zero_();
    embedding.narrow(0, 257, 63).mul_(8);  // else they would be drawn all the time
  }
  EXPECT_EQ(continue_text(model, "abc", 60).result.tokens, 60);
}

TEST(TextGenerator, RepetitionPenaltySeesThePrompt) {
  LanguageModel model = endless_model();
  const std::string plain = continue_text(model, "abc", 1, {.temperature = 0.0}).text;
  const std::string prompt = plain + "abc";
  const SamplerOptions penalized{.temperature = 0.0, .repetition_penalty = 1e6};
  const Continuation continuation = continue_text(model, prompt, 1, penalized);
  EXPECT_EQ(prompt.find(continuation.text), std::string::npos);
}

}  // namespace
}  // namespace brt
