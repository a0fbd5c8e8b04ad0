// SPDX-License-Identifier: Apache-2.0
// Streams under portable arithmetic: the same bits on every target and every machine. What is
// expected stands here as hashes, which every processor's tests compare with.
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "engine/engine.h"
#include "engine/engine_cases.h"
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
  return random_tokens(kTokens, /*seed=*/11, engine.config().vocab_size);
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
    // Threads that meet for each token's parts are slow where they wait for a core.
    Engine engine(folder, {.weights = format, .threads = by_tokens ? 1 : 2});
    const uint64_t of_stream = stream_hash(engine, by_tokens);
    hash.update(&of_stream, sizeof of_stream);
  }
  return hash.digest();
}

constexpr std::array<WeightFormat, 3> kFormats = {WeightFormat::kFloat32, WeightFormat::kBfloat16,
                                                  WeightFormat::kInt8};

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
  for (const WeightFormat format : kFormats) {
    EXPECT_EQ(hash_of_all(format, false), hash_of_all(format, true));
  }
}

TEST_P(PortableStreams, DoNotDependOnChunks) { expect_no_dependence_on_chunks(); }

TEST_P(FastStreams, DoNotDependOnChunks) { expect_no_dependence_on_chunks(); }

/// Of every part of a step another number of threads computes.
std::function<int64_t()> changing_team() {
  return [call = size_t{0}]() mutable {
    static constexpr std::array<int64_t, 5> kSizes = {3, 1, 2, 2, 1};
    return kSizes[call++ % kSizes.size()];
  };
}

void expect_no_dependence_on_others() {
  for (const std::filesystem::path& folder : golden_models()) {
    for (const WeightFormat format : kFormats) {
      Engine one(folder, {.weights = format, .threads = 1});
      Engine changing(folder,
                      {.weights = format, .threads = 3, .choose_team_size = changing_team()});
      EXPECT_TRUE(read_in_chunks(changing, tokens_of(one), 25, /*others=*/3) ==
                  read_in_chunks(one, tokens_of(one), 25))
          << folder << " " << to_word(format);
    }
  }
}

TEST_P(PortableStreams, DoNotDependOnOtherStreamsOrThreads) { expect_no_dependence_on_others(); }

TEST_P(FastStreams, DoNotDependOnOtherStreamsOrThreads) { expect_no_dependence_on_others(); }

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
