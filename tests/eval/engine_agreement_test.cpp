// SPDX-License-Identifier: Apache-2.0
// What the engine says of a model, and what the model that trains does.
#include <vector>

#include <gtest/gtest.h>

#include "engine/engine_cases.h"
#include "eval/evaluation.h"
#include "eval/tiny_books.h"
#include "generate/scorer.h"
#include "text/byte_tokenizer.h"
#include "torch_checkpoint/model_folder.h"

namespace brt {
namespace {

TEST(EngineAgreement, FingerprintsAreEqual) {
  const TinyModelFolder folder(case_config(/*window=*/5), 5);
  const Engine engine(folder.path(), {.threads = 1});
  EXPECT_EQ(engine.fingerprint(), model_fingerprint(load_model(folder.path())));
}

TEST(EngineAgreement, ScoresSumToTheEvaluationOfTheSameDocuments) {
  const TinyBooks books({random_text(37, 1), random_text(300, 2), random_text(1, 3)});
  const TinyModelFolder folder;
  const ByteTokenizer tokenizer;
  Engine engine(folder.path(), {.weights = WeightFormat::kFloat32, .threads = 1});
  LanguageModel model = load_model(folder.path());
  const EvaluationResult expected =
      evaluate(model, books.split(), {.carry = CarryMode::kCarried, .lanes = 2});
  for (size_t i = 0; i < books.texts().size(); ++i) {
    Session session{.stream = engine.begin(), .text = {}};
    Scorer scorer(engine, tokenizer, session, [](const TokenScore&) {});
    scorer.append(books.texts()[i]);
    scorer.finish();
    const DocumentLoss& document = expected.documents[i];
    EXPECT_EQ(scorer.total().tokens, document.tokens);
    EXPECT_EQ(scorer.total().bytes, document.bytes);
    EXPECT_NEAR(scorer.total().nats, document.nats, 1e-5 * document.nats);
  }
}

}  // namespace
}  // namespace brt
