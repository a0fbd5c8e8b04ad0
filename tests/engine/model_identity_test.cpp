// SPDX-License-Identifier: Apache-2.0
// Which models a file belongs to, and what is said of others.
#include "engine/model_identity.h"

#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/tiny_model_folder.h"
#include "kernels/cpu_target.h"
#include "support/text_assertions.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

const ModelIdentity kIdentity = {.model_fingerprint = 0x1234,
                                 .tokenizer_fingerprint = 0x5678,
                                 .weights = "bf16",
                                 .kernel_target = "scalar"};

std::string refusal(const ModelIdentity& saved) {
  return thrown_message<CheckpointError>(
      [&] { require_same_model("book.state", saved, kIdentity); });
}

TEST(ModelIdentity, TheSameModelIsTaken) {
  EXPECT_NO_THROW(require_same_model("book.state", kIdentity, kIdentity));
}

TEST(ModelIdentity, AnotherTargetIsTakenToo) {
  ModelIdentity saved = kIdentity;
  saved.kernel_target = "amx";
  EXPECT_NO_THROW(require_same_model("book.state", saved, kIdentity));
  EXPECT_NE(saved, kIdentity);
}

TEST(ModelIdentity, AnotherModelIsNamedWithBothFingerprints) {
  ModelIdentity saved = kIdentity;
  saved.model_fingerprint = 0x99;
  const std::string message = refusal(saved);
  EXPECT_TRUE(contains(message, "book.state: belongs to another model")) << message;
  EXPECT_TRUE(contains(message, "0000000000000099")) << message;
  EXPECT_TRUE(contains(message, "0000000000001234")) << message;
}

TEST(ModelIdentity, AnotherTokenizerIsNamedWithBothFingerprints) {
  ModelIdentity saved = kIdentity;
  saved.tokenizer_fingerprint = 0x99;
  const std::string message = refusal(saved);
  EXPECT_TRUE(contains(message, "another tokenizer")) << message;
  EXPECT_TRUE(contains(message, "0000000000005678")) << message;
}

TEST(ModelIdentity, AnotherWeightFormatIsNamedWithTheFlagThatHelps) {
  ModelIdentity saved = kIdentity;
  saved.weights = "int8";
  const std::string message = refusal(saved);
  EXPECT_TRUE(contains(message, "weights in int8, the model is read in bf16")) << message;
}

TEST(ModelIdentity, IsThatOfTheRunningModel) {
  const ByteTokenizer tokenizer;
  const ModelIdentity identity = identify(tiny_engine(), tokenizer);
  EXPECT_EQ(identity.model_fingerprint, tiny_engine().fingerprint());
  EXPECT_EQ(identity.tokenizer_fingerprint, tokenizer.fingerprint());
  EXPECT_EQ(identity.weights, "fp32");
  EXPECT_EQ(identity.kernel_target, kernels::to_word(kernels::cpu_target()));
}

}  // namespace
}  // namespace brt
