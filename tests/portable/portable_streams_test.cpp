// SPDX-License-Identifier: Apache-2.0
// Streams under portable arithmetic: the same bits on every target and every machine. What is
// expected stands here as hashes, which every processor's tests compare with.
#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/seeded_random.h"
#include "engine/engine.h"
#include "engine/session.h"
#include "engine/state_file.h"
#include "kernels/cpu_target.h"
#include "portable/portable_case.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

constexpr int64_t kTokens = 75;  // blocks of every model, and a part of one

std::vector<std::filesystem::path> golden_models() {
  std::set<std::filesystem::path> folders;
  for (const std::filesystem::directory_entry& entry :
       std::filesystem::directory_iterator(source_folder() / "tests" / "golden")) {
    if (entry.is_directory()) {
      folders.insert(entry.path());
    }
  }
  return {folders.begin(), folders.end()};
}

std::vector<int32_t> tokens_of(const Engine& engine) {
  SeededRandom random(11);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < kTokens; ++i) {
    tokens.push_back(
        static_cast<int32_t>(random.below(static_cast<uint64_t>(engine.config().vocab_size))));
  }
  return tokens;
}

/// Of the logits after each token, all at once or token by token.
uint64_t stream_hash(Engine& engine, bool by_tokens) {
  StreamingHash hash;
  StreamState state = engine.begin();
  const std::vector<int32_t> tokens = tokens_of(engine);
  if (by_tokens) {
    for (const int32_t token : tokens) {
      engine.feed(state, {&token, 1});
      hash.update(state.logits().data(), state.logits().size_bytes());
    }
    return hash.digest();
  }
  std::array<Feed, 1> feeds;
  feeds[0].state = &state;
  feeds[0].tokens = tokens;
  feeds[0].visit = [&](int64_t /*first*/, int64_t rows, const float* logits_MV) {
    hash.update(logits_MV, static_cast<size_t>(rows * engine.config().vocab_size) * sizeof(float));
  };
  engine.feed(feeds);
  return hash.digest();
}

/// Of all golden models' streams.
uint64_t hash_of_all(WeightFormat format, bool by_tokens) {
  StreamingHash hash;
  for (const std::filesystem::path& folder : golden_models()) {
    Engine engine(folder, {.weights = format, .threads = 2});
    const uint64_t of_stream = stream_hash(engine, by_tokens);
    hash.update(&of_stream, sizeof of_stream);
  }
  return hash.digest();
}

class PortableStreams : public PortableCase {};

TEST_P(PortableStreams, HaveTheBitsOfEveryMachine) {
  ASSERT_GE(golden_models().size(), 18U);
  EXPECT_EQ(hash_of_all(WeightFormat::kFloat32, false), 15195691327077445354U);
  EXPECT_EQ(hash_of_all(WeightFormat::kBfloat16, false), 12135297441634862141U);
  EXPECT_EQ(hash_of_all(WeightFormat::kInt8, false), 14792024152023179343U);
}

/// The target's own arithmetic: not the same bits on every machine, but on each in any chunks.
class FastStreams : public PortableCase {
 protected:
  void SetUp() override {
    PortableCase::SetUp();
    kernels::use_portable_arithmetic(false);
  }
};

void expect_no_dependence_on_chunks() {
  for (const WeightFormat format :
       {WeightFormat::kFloat32, WeightFormat::kBfloat16, WeightFormat::kInt8}) {
    EXPECT_EQ(hash_of_all(format, false), hash_of_all(format, true));
  }
}

TEST_P(PortableStreams, DoNotDependOnChunks) { expect_no_dependence_on_chunks(); }

TEST_P(FastStreams, DoNotDependOnChunks) { expect_no_dependence_on_chunks(); }

/// The stream that stands in tests/portable/stream.state, and the one that it is to become.
constexpr WeightFormat kStateFormat = WeightFormat::kBfloat16;
constexpr size_t kTokensBefore = 40;

TEST_P(PortableStreams, GoOnFromAStateThatAnotherMachineSaved) {
  Engine engine(byte_model(), {.weights = kStateFormat, .threads = 1});
  const std::vector<int32_t> tokens = tokens_of(engine);
  if (writes_files()) {
    Session begun{.stream = engine.begin(), .text = {}};
    engine.feed(begun.stream, std::span(tokens).first(kTokensBefore));
    save_state(data_folder() / "stream.state", begun, identify(engine, ByteTokenizer()));
  }
  std::string note;
  Session session = load_state(data_folder() / "stream.state", engine, ByteTokenizer(), note);
  EXPECT_EQ(note, "");
  engine.feed(session.stream, std::span(tokens).subspan(kTokensBefore));

  StreamState whole = engine.begin();
  engine.feed(whole, tokens);
  ASSERT_EQ(session.stream.logits().size(), whole.logits().size());
  EXPECT_EQ(hash_bytes(bytes_of(session.stream.logits())), hash_bytes(bytes_of(whole.logits())));
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         PortableStreams,
                         testing::ValuesIn(kernels::supported_targets()),
                         kernels::target_name);

INSTANTIATE_TEST_SUITE_P(Targets,
                         FastStreams,
                         testing::ValuesIn(kernels::supported_targets()),
                         kernels::target_name);

}  // namespace
}  // namespace brt
