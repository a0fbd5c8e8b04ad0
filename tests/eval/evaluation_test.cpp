// SPDX-License-Identifier: Apache-2.0
// Evaluation against a slow loop over single documents, and what must not change its sums.
#include "eval/evaluation.h"

#include <cmath>
#include <map>
#include <numbers>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ATen/ATen.h>

#include "base/error.h"
#include "eval/tiny_books.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

constexpr double kRelative = 1e-6;

TinyBooks five_books() {
  return TinyBooks({random_text(37, 1), random_text(300, 2), random_text(12, 3), random_text(1, 4),
                    random_text(61, 5)});
}

/// Nats of tokens 1, 2, ... of one document, segment by segment, one lane, plain log_softmax.
std::vector<double> slow_losses(LanguageModel& model,
                                const PreparedSplit& split,
                                int64_t document,
                                CarryMode mode) {
  const at::NoGradGuard no_grad;
  const ModelConfig& config = model->config();
  std::vector<int32_t> tokens(static_cast<size_t>(split.document(document).tokens));
  split.read(document, 0, tokens);
  std::vector<double> losses;
  Carry carry = make_carry(config, 1);
  for (size_t from = 0; from + 1 < tokens.size(); from += static_cast<size_t>(config.segment)) {
    const size_t size = std::min(static_cast<size_t>(config.segment), tokens.size() - 1 - from);
    const at::Tensor input_BN =
        at::tensor(std::vector<int64_t>(tokens.begin() + static_cast<int64_t>(from),
                                        tokens.begin() + static_cast<int64_t>(from + size)))
            .unsqueeze(0);
    const bool start = from == 0 || mode == CarryMode::kReset;
    if (mode == CarryMode::kNone) {
      carry = with_zero_state(carry);
    }
    const SegmentOutput output =
        model->forward(input_BN, at::full({1}, start ? 1 : 0, at::kByte), carry, ForwardOptions{});
    carry = output.carry;
    const at::Tensor log_probability_NV =
        at::log_softmax(model->logits(output.hidden_BND, {})[0].to(at::kDouble), -1);
    for (size_t n = 0; n < size; ++n) {
      losses.push_back(
          -log_probability_NV[static_cast<int64_t>(n)][tokens[from + n + 1]].item<double>());
    }
  }
  return losses;
}

void expect_near(double got, double want, double relative = kRelative) {
  EXPECT_NEAR(got, want, relative * std::abs(want));
}

class EvaluationModes : public testing::TestWithParam<CarryMode> {};

TEST_P(EvaluationModes, EqualsASlowLoopOverDocuments) {
  const TinyBooks books = five_books();
  const PreparedSplit split = books.split();
  LanguageModel model = tiny_model();
  const EvaluationResult result = evaluate(model, split, {.carry = GetParam(), .lanes = 3});
  ASSERT_EQ(result.documents.size(), books.texts().size());
  double total = 0.0;
  std::map<int64_t, double> by_border;  // first position of the interval
  for (int64_t document = 0; document < split.num_documents(); ++document) {
    const std::vector<double> losses = slow_losses(model, split, document, GetParam());
    const DocumentLoss& got = result.documents[static_cast<size_t>(document)];
    double sum = 0.0;
    for (size_t i = 0; i < losses.size(); ++i) {
      const size_t position = i + 1;
      sum += losses[i];
      by_border[position < 128 ? 0 : position < 256 ? 128 : 256] += losses[i];
    }
    total += sum;
    EXPECT_EQ(got.name, split.document(document).name);
    EXPECT_EQ(got.tokens, static_cast<int64_t>(losses.size()));
    expect_near(got.nats, sum);
  }
  expect_near(result.nats, total);
  ASSERT_EQ(result.by_position.size(), by_border.size());
  for (const PositionLoss& interval : result.by_position) {
    expect_near(interval.nats, by_border.at(interval.from));
  }
}

TEST_P(EvaluationModes, SumsDoNotDependOnTheNumberOfLanes) {
  const TinyBooks books = five_books();
  const PreparedSplit split = books.split();
  LanguageModel model = tiny_model();
  const EvaluationResult one = evaluate(model, split, {.carry = GetParam(), .lanes = 1});
  for (int64_t lanes = 2; lanes <= 7; ++lanes) {  // more lanes than documents too
    const EvaluationResult many = evaluate(model, split, {.carry = GetParam(), .lanes = lanes});
    EXPECT_EQ(many.tokens, one.tokens);
    expect_near(many.nats, one.nats);
    for (size_t i = 0; i < one.documents.size(); ++i) {
      expect_near(many.documents[i].nats, one.documents[i].nats);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes,
                         EvaluationModes,
                         testing::Values(CarryMode::kCarried, CarryMode::kReset, CarryMode::kNone),
                         [](const testing::TestParamInfo<CarryMode>& mode) {
                           return to_word(mode.param);
                         });

TEST(Evaluation, CarryModesDifferOnlyAfterTheFirstSegment) {
  const TinyBooks short_book({random_text(12, 1)});  // 13 tokens: 12 predictions, one segment
  const TinyBooks long_book({random_text(60, 1)});
  LanguageModel model = tiny_model();
  const auto nats = [&](const TinyBooks& book, CarryMode mode) {
    return evaluate(model, book.split(), {.carry = mode}).nats;
  };
  expect_near(nats(short_book, CarryMode::kReset), nats(short_book, CarryMode::kCarried));
  const double carried = nats(long_book, CarryMode::kCarried);
  const double reset = nats(long_book, CarryMode::kReset);
  const double none = nats(long_book, CarryMode::kNone);
  EXPECT_GT(std::abs(carried - reset), 1e-4);
  EXPECT_GT(std::abs(carried - none), 1e-4);
  EXPECT_GT(std::abs(reset - none), 1e-4);
}

TEST(Evaluation, NoneEqualsCarriedWithoutARecurrentLayer) {
  const TinyBooks books = five_books();
  ModelConfig config = tiny_config();
  config.recurrent_layers = {};
  LanguageModel model = tiny_model(config);
  const PreparedSplit split = books.split();
  expect_near(evaluate(model, split, {.carry = CarryMode::kNone}).nats,
              evaluate(model, split, {.carry = CarryMode::kCarried}).nats);
}

TEST(Evaluation, CountsEveryTokenButEachDocumentsFirst) {
  const TinyBooks books = five_books();
  const PreparedSplit split = books.split();
  LanguageModel model = tiny_model();
  const EvaluationResult result = evaluate(model, split, {.lanes = 2});
  EXPECT_EQ(result.tokens, split.total_tokens() - split.num_documents());
  EXPECT_EQ(result.bytes, split.total_bytes());
  EXPECT_EQ(result.words, split.total_words());
}

TEST(Evaluation, IntervalsOfPositionsDoubleAndAddUp) {
  const TinyBooks book({random_text(600, 1), random_text(40, 2)});
  LanguageModel model = tiny_model();
  const EvaluationResult result = evaluate(model, book.split(), {.lanes = 2});
  // Document one predicts positions 1..600, document two 1..40; the first token is not predicted.
  ASSERT_EQ(result.by_position.size(), 4U);
  const int64_t borders[] = {0, 128, 256, 512, 1024};
  const int64_t tokens[] = {127 + 40, 128, 256, 89};
  double nats = 0.0;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(result.by_position[i].from, borders[i]);
    EXPECT_EQ(result.by_position[i].to, borders[i + 1]);
    EXPECT_EQ(result.by_position[i].tokens, tokens[i]);
    nats += result.by_position[i].nats;
  }
  EXPECT_NEAR(nats, result.nats, 1e-9 * result.nats);
}

TEST(Evaluation, ACutDocumentCountsItsShareOfBytesAndWords) {
  const TinyBooks books({random_text(99, 1), random_text(19, 2)});  // 100 and 20 tokens
  const PreparedSplit split = books.split();
  LanguageModel model = tiny_model();
  const EvaluationResult result = evaluate(model, split, {.max_document_tokens = 25});
  EXPECT_EQ(result.documents[0].tokens, 24);
  EXPECT_EQ(result.documents[0].bytes, 25);  // 99 * 25 / 100, rounded
  EXPECT_EQ(result.documents[0].words,
            std::llround(static_cast<double>(split.document(0).words) * 0.25));
  EXPECT_EQ(result.documents[1].tokens, 19);
  EXPECT_EQ(result.documents[1].bytes, 19);
  const std::vector<double> losses = slow_losses(model, split, 0, CarryMode::kCarried);
  double sum = 0.0;
  for (size_t i = 0; i < 24; ++i) {
    sum += losses[i];
  }
  expect_near(result.documents[0].nats, sum);
}

TEST(Evaluation, Bfloat16IsNearFloat32) {
  const TinyBooks books = five_books();
  LanguageModel model = tiny_model();
  const double wide = evaluate(model, books.split(), {.lanes = 2}).nats;
  const double narrow = evaluate(model, books.split(), {.lanes = 2, .dtype = at::kBFloat16}).nats;
  expect_near(narrow, wide, 0.02);
  EXPECT_NE(narrow, wide);
}

TEST(Evaluation, ProgressEndsAtTheTotal) {
  const TinyBooks books = five_books();
  const PreparedSplit split = books.split();
  LanguageModel model = tiny_model();
  EvaluationProgress last;
  int64_t calls = 0;
  const EvaluationResult result = evaluate(model, split, {.lanes = 2, .max_document_tokens = 50},
                                           [&](const EvaluationProgress& progress) {
                                             EXPECT_GT(progress.tokens, last.tokens);
                                             last = progress;
                                             ++calls;
                                           });
  EXPECT_GT(calls, 3);
  EXPECT_EQ(last.tokens, last.total_tokens);
  EXPECT_EQ(last.tokens, result.tokens);
  EXPECT_NEAR(last.bits_per_token, result.bits_per_token(), 1e-9);
}

TEST(Evaluation, FiguresFollowFromTheSums) {
  EvaluationResult result;
  result.tokens = 10;
  result.bytes = 40;
  result.words = 8;
  result.nats = 20.0;
  result.seconds = 4.0;
  EXPECT_DOUBLE_EQ(result.nats_per_token(), 2.0);
  EXPECT_DOUBLE_EQ(result.bits_per_token(), 2.0 / std::numbers::ln2);
  EXPECT_DOUBLE_EQ(result.bits_per_byte(), 0.5 / std::numbers::ln2);
  EXPECT_DOUBLE_EQ(result.token_perplexity(), std::exp(2.0));
  EXPECT_DOUBLE_EQ(result.word_perplexity(), std::exp(2.5));
  EXPECT_DOUBLE_EQ(result.tokens_per_second(), 2.5);
}

TEST(Evaluation, ALossThatIsNoNumberIsFoundByDocumentAndToken) {
  const TinyBooks books = five_books();
  LanguageModel model = tiny_model();
  check_finite(evaluate(model, books.split(), {.lanes = 2}));
  {
    const at::NoGradGuard no_grad;
    model->named_parameters()["final_norm.weight"].fill_(std::nanf(""));
  }
  const EvaluationResult result = evaluate(model, books.split(), {.lanes = 2});
  const std::string message = thrown_message<DataError>([&] { check_finite(result); });
  EXPECT_TRUE(contains(message, "the loss of token 1 of document \"book0.txt\" is not a finite"))
      << message;
}

TEST(Evaluation, WithoutATokenThereIsNoFigure) {
  const EvaluationResult nothing;
  check_finite(nothing);
  const nlohmann::json object =
      nlohmann::json::parse(evaluation_to_json(nothing, "m", "d", "test"));
  for (const char* key : {"nats_per_token", "bits_per_token", "bits_per_byte", "token_perplexity",
                          "word_perplexity"}) {
    EXPECT_TRUE(object[key].is_null()) << key;
  }
}

TEST(Evaluation, TokensBeyondTheVocabularyAreRefused) {
  const TinyBooks books = five_books();
  ModelConfig config = tiny_config();
  config.vocab_size = 256;  // no document end
  LanguageModel model = tiny_model(config);
  const std::string message =
      thrown_message<DataError>([&] { evaluate(model, books.split(), {}); });
  EXPECT_TRUE(contains(message, "token 256"));
  EXPECT_TRUE(contains(message, "vocabulary has 256 tokens"));
}

TEST(Evaluation, OptionsOutOfRangeAreRefused) {
  const TinyBooks books = five_books();
  LanguageModel model = tiny_model();
  EXPECT_THROW(evaluate(model, books.split(), {.lanes = 0}), ConfigError);
  EXPECT_THROW(evaluate(model, books.split(), {.max_document_tokens = -1}), ConfigError);
}

TEST(CarryModeWords, ParseAndPrint) {
  for (const std::string word : {"carried", "reset", "none"}) {
    EXPECT_EQ(to_word(carry_mode_from_word(word)), word);
  }
  EXPECT_TRUE(contains(thrown_message<ConfigError>([] { carry_mode_from_word("caried"); }),
                       "did you mean carried?"));
  EXPECT_TRUE(contains(thrown_message<ConfigError>([] { carry_mode_from_word("all"); }),
                       "carry must be full, no-state or nothing, got \"all\""));
}

TEST(CarryModeWords, SayWhatIsCarriedWithTheWordsOfFilesAsOthers) {
  for (const auto& [label, word] : {std::pair<const char*, const char*>{"full", "carried"},
                                    {"no-state", "none"},
                                    {"nothing", "reset"}}) {
    EXPECT_EQ(carry_mode_from_word(label), carry_mode_from_word(word));
    EXPECT_EQ(carry_label(carry_mode_from_word(word)), label);
    EXPECT_EQ(to_word(carry_mode_from_word(label)), word);
  }
}

TEST(EvaluationJson, HasTheKeysOfTheInterfaceInOrder) {
  const TinyBooks books = five_books();
  LanguageModel model = tiny_model();
  const EvaluationResult result = evaluate(model, books.split(), {.carry = CarryMode::kReset});
  const nlohmann::ordered_json object =
      nlohmann::ordered_json::parse(evaluation_to_json(result, "m", "d", "test"));
  std::vector<std::string> keys;
  for (const nlohmann::ordered_json::object_t::value_type& item :
       object.get_ref<const nlohmann::ordered_json::object_t&>()) {
    keys.push_back(item.first);
  }
  const std::vector<std::string> expected = {
      "model",           "data",           "split",         "carry",
      "documents",       "tokens",         "bytes",         "words",
      "nats_per_token",  "bits_per_token", "bits_per_byte", "token_perplexity",
      "word_perplexity", "by_position",    "by_document",   "tokens_per_second"};
  EXPECT_EQ(keys, expected);
  EXPECT_EQ(object["carry"], "reset");
  EXPECT_EQ(object["documents"], 5);
  EXPECT_EQ(object["by_position"][0]["from"], 0);
  EXPECT_EQ(object["by_position"][0]["to"], 128);
  EXPECT_DOUBLE_EQ(object["bits_per_token"].get<double>(), result.bits_per_token());
}

TEST(EvaluationJson, ListsTheDocumentsWithTheirFigures) {
  const TinyBooks books = five_books();
  LanguageModel model = tiny_model();
  const EvaluationResult result = evaluate(model, books.split(), {.lanes = 2});
  const nlohmann::ordered_json list =
      nlohmann::ordered_json::parse(evaluation_to_json(result, "m", "d", "test"))["by_document"];
  ASSERT_EQ(list.size(), result.documents.size());
  double bits = 0.0;
  for (size_t i = 0; i < list.size(); ++i) {
    const DocumentLoss& document = result.documents[i];
    EXPECT_EQ(list[i]["name"], document.name);
    EXPECT_EQ(list[i]["tokens"], document.tokens);
    EXPECT_EQ(list[i]["bytes"], document.bytes);
    EXPECT_EQ(list[i]["words"], document.words);
    expect_near(list[i]["bits_per_token"].get<double>() * static_cast<double>(document.tokens),
                document.nats / std::numbers::ln2);
    bits += list[i]["bits_per_byte"].get<double>() * static_cast<double>(document.bytes);
  }
  expect_near(bits, result.nats / std::numbers::ln2);
}

}  // namespace
}  // namespace brt
