// SPDX-License-Identifier: Apache-2.0
// Continuations: reproducible, whole characters, ends where they must.
#include "generate/text_generator.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/tiny_model_folder.h"
#include "generate/prompt_reader.h"
#include "support/random_text.h"
#include "support/text_assertions.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

struct Continuation {
  std::string text;
  std::vector<std::string> parts;
  GenerationResult result;
};

/// With tiny_engine's logit of 0 for the document end, min-p keeps it from being drawn.
const SamplerOptions kEndless = {.min_p = 0.1};

Session read_text(std::string_view prompt,
                  const SamplerOptions& options = kEndless,
                  size_t part = 1000) {
  static const ByteTokenizer tokenizer;
  Session session{.stream = tiny_engine().begin(), .text = {}};
  session.text.sampler = options;
  PromptReader reader(tiny_engine(), tokenizer, session);
  for (size_t from = 0; from < prompt.size(); from += part) {
    reader.append(prompt.substr(from, part));
  }
  reader.finish();
  return session;
}

std::vector<Continuation> continue_all(std::span<Session> sessions,
                                       int64_t tokens,
                                       const std::vector<std::string>& stop = {}) {
  std::vector<Continuation> continuations(sessions.size());
  const std::vector<GenerationResult> results =
      continue_texts(tiny_engine(), ByteTokenizer(), sessions, {.max_tokens = tokens, .stop = stop},
                     [&](size_t i, std::string_view part) {
                       continuations[i].text += part;
                       continuations[i].parts.emplace_back(part);
                     });
  for (size_t i = 0; i < sessions.size(); ++i) {
    continuations[i].result = results[i];
  }
  return continuations;
}

Continuation continue_session(Session& session,
                              int64_t tokens,
                              const std::vector<std::string>& stop = {}) {
  return continue_all({&session, 1}, tokens, stop)[0];
}

Continuation continue_text(std::string_view prompt,
                           int64_t tokens,
                           const SamplerOptions& options = kEndless,
                           const std::vector<std::string>& stop = {}) {
  Session session = read_text(prompt, options);
  return continue_session(session, tokens, stop);
}

TEST(TextGenerator, TheSameSeedGivesTheSameText) {
  const Continuation first = continue_text("It was", 80, {.min_p = 0.1, .seed = 4});
  const Continuation second = continue_text("It was", 80, {.min_p = 0.1, .seed = 4});
  const Continuation other = continue_text("It was", 80, {.min_p = 0.1, .seed = 5});
  EXPECT_EQ(first.text, second.text);
  EXPECT_NE(first.text, other.text);
  EXPECT_EQ(first.text.size(), 80U);
  EXPECT_EQ(first.result.tokens, 80);
  EXPECT_EQ(first.result.reason, FinishReason::kTokens);
}

TEST(TextGenerator, AShorterContinuationIsTheBeginningOfALongerOne) {
  const Continuation longer = continue_text("It was", 80);
  const Continuation shorter = continue_text("It was", 33);
  ASSERT_EQ(longer.text.size(), 80U);
  EXPECT_EQ(shorter.text, longer.text.substr(0, 33));
}

TEST(TextGenerator, GreedyTakesTheLargestLogitOfEachStep) {
  Session session = read_text("abc", {.temperature = 0.0, .logit_bias = {{256, -1e9}}});
  StreamState stream = session.stream;
  const Continuation greedy = continue_session(session, 20);
  ASSERT_EQ(greedy.text.size(), 20U);
  for (const char byte : greedy.text) {
    const int32_t token = static_cast<unsigned char>(byte);
    const std::span<const float> logits_V = stream.logits().first(256);
    EXPECT_EQ(std::ranges::max_element(logits_V) - logits_V.begin(), token);
    tiny_engine().feed(stream, {&token, 1});
  }
}

TEST(TextGenerator, PromptInPartsEqualsPromptAtOnce) {
  const std::string prompt = random_text(100, 8);
  Session parts = read_text(prompt, kEndless, 7);
  EXPECT_EQ(continue_session(parts, 30).text, continue_text(prompt, 30).text);
  EXPECT_EQ(parts.stream.tokens_read(), 130);
  EXPECT_EQ(parts.text.bytes_read, 130);
}

TEST(TextGenerator, SamplesSideBySideAreThoseOfEachAlone) {
  const Session prompt = read_text("It was");
  std::vector<Session> sessions(5, prompt);
  for (size_t i = 0; i < sessions.size(); ++i) {
    sessions[i].text.sampler.seed = 10 + i;
  }
  std::vector<Session> alone = sessions;
  const std::vector<Continuation> together = continue_all(sessions, 40);
  for (size_t i = 0; i < alone.size(); ++i) {
    EXPECT_EQ(together[i].text, continue_session(alone[i], 40).text) << "sample " << i;
  }
  EXPECT_NE(together[0].text, together[1].text);
}

TEST(TextGenerator, ASampleThatIsDoneWaitsForTheOthers) {
  std::vector<Session> sessions(2, read_text("It was"));
  sessions[0].text.sampler.logit_bias = {{256, 1e9}};  // the document's end
  const std::vector<Continuation> together = continue_all(sessions, 40);
  EXPECT_EQ(together[0].result.reason, FinishReason::kDocumentEnd);
  EXPECT_EQ(sessions[0].stream.tokens_read(), 6);
  EXPECT_EQ(together[1].result.tokens, 40);
}

TEST(TextGenerator, EndsAtTheDocumentEndWithoutReadingIt) {
  Session session = read_text("abc", {.logit_bias = {{256, 1e9}}});
  for (int repeat = 0; repeat < 2; ++repeat) {  // asked again, it is still the end
    const Continuation ended = continue_session(session, 10);
    EXPECT_EQ(ended.text, "");
    EXPECT_EQ(ended.result.reason, FinishReason::kDocumentEnd);
    EXPECT_EQ(ended.result.tokens, 0);
    EXPECT_EQ(session.stream.tokens_read(), 3);
  }
}

TEST(TextGenerator, EndsBeforeAStopStringThatSpansTokens) {
  const std::string free = continue_text("It was", 80).text;
  const std::string stop = free.substr(40, 5);
  const size_t first = free.find(stop);
  const Continuation stopped = continue_text("It was", 80, kEndless, {"not there at all", stop});
  EXPECT_EQ(stopped.text, free.substr(0, first));
  EXPECT_EQ(stopped.result.reason, FinishReason::kStop);
  EXPECT_EQ(stopped.result.stop, stop);
  EXPECT_EQ(stopped.result.tokens, static_cast<int64_t>(first + 5));
}

TEST(TextGenerator, AStopStringIsFoundOverTheEndOfACall) {
  const std::string free = continue_text("It was", 80).text;
  const std::string stop = free.substr(40, 5);
  const size_t first = free.find(stop);
  Session session = read_text("It was");
  const std::string before =
      continue_session(session, static_cast<int64_t>(first) + 2, {stop}).text;
  EXPECT_EQ(before, free.substr(0, first + 2));
  const Continuation rest = continue_session(session, 50, {stop});
  EXPECT_EQ(rest.result.reason, FinishReason::kStop);
  EXPECT_EQ(rest.result.tokens, 3);
  EXPECT_EQ(rest.text, "");
}

TEST(TextGenerator, WhatWasInterruptedGoesOnAsIfItHadNot) {
  const std::string whole = continue_text("It was", 60).text;
  for (const int64_t before : {0, 1, 17, 59, 60}) {
    Session session = read_text("It was");
    std::string text;
    int64_t asked = 0;
    const ContinuationLimits limits = {.max_tokens = 60,
                                       .is_interrupted = [&] { return asked++ == before; }};
    const std::vector<GenerationResult> results =
        continue_texts(tiny_engine(), ByteTokenizer(), {&session, 1}, limits,
                       [&](size_t, std::string_view part) { text += part; });
    EXPECT_EQ(results[0].tokens, before);
    EXPECT_EQ(to_word(results[0].reason), before < 60 ? "interrupted" : "tokens");
    EXPECT_EQ(session.stream.tokens_read(), 6 + before);
    EXPECT_EQ(text + continue_session(session, 60 - before).text, whole);
  }
}

TEST(TextGenerator, TextThatWaitedInTheSessionIsReadBeforeThePrompt) {
  Session session = read_text("It ");
  session.text.pending_text = "wa";
  session.text.line = {.bytes = 3, .tokens = 2, .nats = 1.0, .text = "It "};
  const ByteTokenizer tokenizer;
  PromptReader reader(tiny_engine(), tokenizer, session);
  reader.append("s");
  reader.finish();
  EXPECT_EQ(session.text.pending_text, "");
  EXPECT_EQ(session.text.line.bytes, 0);
  EXPECT_EQ(session.text.bytes_read, 6);
  EXPECT_EQ(continue_session(session, 20).text, continue_text("It was", 20).text);
}

TEST(TextGenerator, APromptThatWasNotReadToItsEndCanBeGivenAgain) {
  const std::string prompt = random_text((1 << 16) + 300, 6);
  Session session = read_text(prompt.substr(0, 100));
  const ByteTokenizer tokenizer;
  PromptReader reader(tiny_engine(), tokenizer, session);
  reader.append(prompt.substr(100, 200));
  EXPECT_EQ(session.text.bytes_read, 100);
  EXPECT_EQ(reader.take_rest(), prompt.substr(100, 200));
  EXPECT_EQ(reader.take_rest(), "");
}

TEST(TextGenerator, BeginningsOfStopStringsComeOutAtTheEnd) {
  const std::string free = continue_text("It was", 20).text;
  const Continuation held = continue_text("It was", 20, kEndless, {free.substr(15) + "?"});
  EXPECT_EQ(held.text, free);
  EXPECT_EQ(held.result.reason, FinishReason::kTokens);
}

TEST(TextGenerator, PartsNeverEndWithinACharacter) {
  // The first byte is ahead until the penalty has seen it.
  const SamplerOptions two_bytes = {.temperature = 0.0,
                                    .repetition_penalty = 10.0,
                                    .logit_bias = {{0xc3, 2000.0}, {0xab, 1000.0}}};
  const Continuation continuation = continue_text("Zo", 2, two_bytes);
  EXPECT_EQ(continuation.text, "\xc3\xab");
  EXPECT_EQ(continuation.parts, (std::vector<std::string>{"\xc3\xab"}));
}

TEST(TextGenerator, WithoutAPromptThereIsNothingToContinue) {
  EXPECT_TRUE(contains(thrown_message<Error>([] { continue_text("", 5); }), "hint: give a prompt"));
}

TEST(TextGenerator, TokensOutsideTheTokenizerAreNeverDrawn) {
  ModelConfig config = tiny_config();
  config.vocab_size = 320;  // padded
  const TinyModelFolder folder(config);
  Engine engine(folder.path(), {.weights = WeightFormat::kFloat32, .threads = 1});
  const ByteTokenizer tokenizer;
  Session session{.stream = engine.begin(), .text = {}};
  session.text.sampler = {.temperature = 100.0, .logit_bias = {{256, -1e9}}};  // nearly uniform
  PromptReader reader(engine, tokenizer, session);
  reader.append("abc");
  reader.finish();
  const std::vector<GenerationResult> results = continue_texts(
      engine, tokenizer, {&session, 1}, {.max_tokens = 60}, [](size_t, std::string_view) {});
  EXPECT_EQ(results[0].tokens, 60);
}

TEST(TextGenerator, RepetitionPenaltySeesThePrompt) {
  const SamplerOptions greedy = {.temperature = 0.0, .logit_bias = {{256, -1e9}}};
  const std::string plain = continue_text("abc", 1, greedy).text;
  const std::string prompt = plain + "abc";
  const SamplerOptions penalized = {
      .temperature = 0.0, .repetition_penalty = 1e6, .logit_bias = {{256, -1e9}}};
  const Continuation continuation = continue_text(prompt, 1, penalized);
  EXPECT_EQ(prompt.find(continuation.text), std::string::npos);
}

TEST(TextGenerator, TheRecentTokensAreAsManyAsThePenaltyLooksAt) {
  const std::string text = random_text(300, 5);
  EXPECT_EQ(read_text(text).text.recent_tokens.size(), 64U);
  const std::vector<int32_t> more =
      read_text(text, {.repetition_window = 100}, 7).text.recent_tokens;
  ASSERT_EQ(more.size(), 100U);
  EXPECT_EQ(more.back(), text.back());
  EXPECT_EQ(more.front(), text[200]);
}

}  // namespace
}  // namespace brt
