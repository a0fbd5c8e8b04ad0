// SPDX-License-Identifier: Apache-2.0
// The tenths of a long document; `make test-long` measures one of a million tokens.
#include "benchmark/document_benchmark.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "config/presets.h"

namespace brt {
namespace {

RunConfig tiny_config() {
  RunConfig config;
  config.model = make_preset("rec-fixed-skip", "tiny");
  config.model.vocab_size = 257;
  config.train.dtype = DType::kBf16;
  return config;
}

/// BRT_LONG_TOKENS, or 10^6.
int64_t long_tokens() {
  const char* text = std::getenv("BRT_LONG_TOKENS");
  return text == nullptr ? 1'000'000 : std::max<int64_t>(std::atoll(text), 200'000);
}

TEST(DocumentBenchmark, ReadsWholeSegmentsAndGivesTheSpeedOfBothEnds) {
  const RunConfig config = tiny_config();
  const DocumentBenchmark result = run_document_benchmark(config, 41 * config.model.segment - 1);
  EXPECT_EQ(result.tokens, 40 * config.model.segment);
  EXPECT_GT(result.first_tenth, 0.0);
  EXPECT_GT(result.last_tenth, 0.0);
  EXPECT_DOUBLE_EQ(result.last_by_first(), result.last_tenth / result.first_beside_last);
  const nlohmann::json json = nlohmann::json::parse(document_benchmark_to_json(result));
  EXPECT_EQ(json["document_tokens"], result.tokens);
  EXPECT_EQ(json["last_by_first"], result.last_by_first());
  EXPECT_EQ(json["memory_growth_mib"], result.memory_growth_mib);
}

TEST(DocumentBenchmark, RefusesADocumentWithoutTenths) {
  const RunConfig config = tiny_config();
  const std::string message =
      thrown_message<Error>([&] { run_document_benchmark(config, 20 * config.model.segment - 1); });
  EXPECT_TRUE(says(message, "19 segments")) << message;
}

TEST(LongDocument, DISABLED_IsEvaluatedAsFastAtItsEndInTheSameMemory) {
  const DocumentBenchmark result = run_document_benchmark(tiny_config(), long_tokens());
  std::printf("%s\n", document_benchmark_to_json(result).c_str());
  EXPECT_LE(result.memory_growth_mib, 1.0);
  EXPECT_GE(result.last_by_first(), 0.97) << "the machine must be quiet";
}

}  // namespace
}  // namespace brt
