// SPDX-License-Identifier: Apache-2.0
// Exactness of streams, and what the engine refuses.
#include "engine/engine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/engine_cases.h"
#include "kernels/cpu_target.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

/// One model and weight format.
class ExactCase {
 public:
  ExactCase(const std::string& name, const ModelConfig& config, WeightFormat format)
      : name_(name + ", " + std::string(to_word(format))),
        config_(config),
        format_(format),
        folder_(config, 5) {}

  const std::string& name() const { return name_; }
  size_t window() const { return static_cast<size_t>(config_.window); }
  const std::vector<int32_t>& tokens() const { return tokens_; }
  Engine engine(int64_t threads = 1) const { return Engine(folder_.path(), {format_, threads}); }
  /// Of every part of a step another number of threads computes.
  Engine changing_engine() const {
    const auto next_size = [call = size_t{0}]() mutable {
      static constexpr std::array<int64_t, 7> kSizes = {3, 1, 2, 2, 1, 3, 3};
      return kSizes[call++ % kSizes.size()];
    };
    return Engine(folder_.path(), {format_, /*threads=*/3, next_size});
  }

 private:
  std::string name_;
  ModelConfig config_;
  WeightFormat format_;
  TinyModelFolder folder_;
  std::vector<int32_t> tokens_ = random_tokens(4 * config_.window + 6, 7);
};

const std::vector<std::unique_ptr<ExactCase>>& exact_cases() {
  static const std::vector<std::unique_ptr<ExactCase>> cases = [] {
    std::vector<std::unique_ptr<ExactCase>> made;
    for (const auto& [name, config] : case_configs()) {
      for (const WeightFormat format :
           {WeightFormat::kFloat32, WeightFormat::kBfloat16, WeightFormat::kInt8}) {
        made.push_back(std::make_unique<ExactCase>(name, config, format));
      }
    }
    return made;
  }();
  return cases;
}

/// All models and formats on one CPU target.
class StreamExactness : public testing::TestWithParam<kernels::CpuTarget> {
 protected:
  void SetUp() override { kernels::force_cpu_target(GetParam()); }
  void TearDown() override { kernels::force_cpu_target(kernels::supported_targets().back()); }
};

TEST_P(StreamExactness, ChunksOfAnySizeGiveTheSameBits) {
  for (const std::unique_ptr<ExactCase>& test : exact_cases()) {
    SCOPED_TRACE(test->name());
    Engine engine = test->engine();
    const Reading whole = read_in_chunks(engine, test->tokens(), test->tokens().size());
    for (const size_t chunk : {size_t{1}, size_t{7}, size_t{64}, test->window() - 1, test->window(),
                               test->window() + 1, 3 * test->window() + 5}) {
      const Reading reading = read_in_chunks(engine, test->tokens(), chunk);
      EXPECT_TRUE(reading.logits == whole.logits) << "chunks of " << chunk;
      EXPECT_TRUE(reading.parts == whole.parts) << "chunks of " << chunk;
    }
  }
}

TEST_P(StreamExactness, OtherStreamsAndThreadsDoNotChangeABit) {
  for (const std::unique_ptr<ExactCase>& test : exact_cases()) {
    SCOPED_TRACE(test->name());
    Engine engine = test->engine();
    Engine two_threads = test->engine(2);
    const Reading alone = read_in_chunks(engine, test->tokens(), 7);
    for (const size_t chunk : {size_t{1}, test->window() + 1}) {
      EXPECT_TRUE(read_in_chunks(engine, test->tokens(), chunk, /*others=*/7) == alone) << chunk;
      EXPECT_TRUE(read_in_chunks(two_threads, test->tokens(), chunk) == alone) << chunk;
      EXPECT_TRUE(read_in_chunks(two_threads, test->tokens(), chunk, /*others=*/7) == alone)
          << chunk;
    }
  }
}

TEST_P(StreamExactness, ThreadsThatComeAndGoDoNotChangeABit) {
  for (const std::unique_ptr<ExactCase>& test : exact_cases()) {
    SCOPED_TRACE(test->name());
    Engine engine = test->engine();
    Engine changing = test->changing_engine();
    const Reading alone = read_in_chunks(engine, test->tokens(), 7);
    for (const size_t chunk : {size_t{1}, size_t{7}, test->window() + 1}) {
      EXPECT_TRUE(read_in_chunks(changing, test->tokens(), chunk) == alone) << chunk;
      EXPECT_TRUE(read_in_chunks(changing, test->tokens(), chunk, /*others=*/7) == alone) << chunk;
    }
  }
}

TEST_P(StreamExactness, ForksGoOnIndependentlyAndAlike) {
  for (const std::unique_ptr<ExactCase>& test : exact_cases()) {
    SCOPED_TRACE(test->name());
    Engine engine = test->engine();
    const size_t half = test->tokens().size() / 2;
    StreamState original = engine.begin();
    engine.feed(original, std::span(test->tokens()).first(half));
    StreamState fork = original;
    engine.feed(fork, random_tokens(30, 1));
    StreamState second = original;
    engine.feed(original, std::span(test->tokens()).subspan(half));
    for (const int32_t token : std::span(test->tokens()).subspan(half)) {
      engine.feed(second, {&token, 1});
    }
    EXPECT_EQ(parts_of(original), parts_of(second));
    EXPECT_EQ(parts_of(original),
              read_in_chunks(engine, test->tokens(), test->tokens().size()).parts);
  }
}

TEST_P(StreamExactness, AStateMadeOfItsPartsGoesOnAlike) {
  for (const std::unique_ptr<ExactCase>& test : exact_cases()) {
    SCOPED_TRACE(test->name());
    Engine engine = test->engine();
    for (const size_t position :
         {size_t{1}, test->window(), 2 * test->window() + test->window() / 2,
          3 * test->window() - 1}) {
      StreamState original = engine.begin();
      for (const int32_t token : std::span(test->tokens()).first(position)) {
        engine.feed(original, {&token, 1});
      }
      StreamState restored = engine.begin();
      std::map<std::string, std::vector<std::byte>> saved;
      std::as_const(original).for_each_part(
          [&](const std::string& name, std::span<const std::byte> part) {
            saved[name].assign(part.begin(), part.end());
          });
      restored.for_each_part([&](const std::string& name, std::span<std::byte> part) {
        std::ranges::copy(saved.at(name), part.begin());
      });
      restored.set_tokens_read(original.tokens_read());
      engine.restored(restored);
      for (const int32_t token : std::span(test->tokens()).subspan(position)) {
        engine.feed(original, {&token, 1});
        engine.feed(restored, {&token, 1});
        ASSERT_TRUE(std::ranges::equal(original.logits(), restored.logits()))
            << original.tokens_read();
      }
      EXPECT_EQ(parts_of(original), parts_of(restored)) << position;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         StreamExactness,
                         testing::ValuesIn(kernels::supported_targets()),
                         [](const testing::TestParamInfo<kernels::CpuTarget>& target) {
                           return std::string(kernels::to_word(target.param));
                         });

const TinyModelFolder& case_folder() {
  static const TinyModelFolder folder(case_config(/*window=*/5), 5);
  return folder;
}

TEST(Engine, LastLogitsAreThoseOfTheLastVisit) {
  Engine engine(case_folder().path(), {.threads = 1});
  const std::vector<int32_t> tokens = random_tokens(13, 2);
  StreamState state = engine.begin();
  EXPECT_TRUE(state.logits().empty());
  engine.feed(state, tokens);
  const std::string logits = read_in_chunks(engine, tokens, 13).logits;
  const std::span<const float> last = state.logits();
  EXPECT_EQ(logits.substr(logits.size() - last.size_bytes()),
            std::string(reinterpret_cast<const char*>(last.data()), last.size_bytes()));
}

TEST(Engine, StreamsAreWholeAfterAVisitThatThrows) {
  Engine engine(case_folder().path(), {.threads = 1});
  const std::vector<int32_t> tokens = random_tokens(13, 2);
  std::vector<StreamState> states(2, engine.begin());
  std::vector<Feed> feeds(2);
  for (size_t i = 0; i < 2; ++i) {
    feeds[i].state = &states[i];
    feeds[i].tokens = tokens;
    feeds[i].visit = [](int64_t first, int64_t, const float*) {
      if (first > 0) {
        throw std::runtime_error("enough");
      }
    };
  }
  EXPECT_THROW(engine.feed(feeds), std::runtime_error);
  for (const StreamState& state : states) {
    StreamState same = engine.begin();
    engine.feed(same, std::span(tokens).first(static_cast<size_t>(state.tokens_read())));
    EXPECT_EQ(parts_of(state), parts_of(same));
  }
}

TEST(Engine, TokensOutsideTheVocabularyAreRefusedBeforeAnythingIsRead) {
  Engine engine(case_folder().path(), {.threads = 1});
  StreamState state = engine.begin();
  for (const int32_t token : {-1, 261}) {
    EXPECT_THROW(engine.feed(state, std::vector<int32_t>{1, token}), ShapeError);
  }
  EXPECT_EQ(state.tokens_read(), 0);
}

TEST(Engine, StatesOfOtherModelsAreRefused) {
  const TinyModelFolder other_folder(case_config(/*window=*/5), 6);
  Engine engine(case_folder().path(), {.threads = 1});
  Engine other(other_folder.path(), {.threads = 1});
  StreamState state = other.begin();
  StreamState none;
  EXPECT_THROW(engine.feed(state, std::vector<int32_t>{1}), Error);
  EXPECT_THROW(engine.feed(none, std::vector<int32_t>{1}), Error);
  EXPECT_THROW(engine.restored(state), CheckpointError);
}

std::string loading_message(const std::filesystem::path& folder) {
  return thrown_message<CheckpointError>(
      [&] { const Engine engine(folder, {.weights = WeightFormat::kFloat32, .threads = 2}); });
}

TEST(Engine, WeightsThatAreNotFiniteAreRefusedByTheirTensorsName) {
  const TinyModelFolder folder;
  folder.change("layers.1.cell.output.weight", [](float& value, int64_t index) {
    value = index == 16 * 32 - 1 ? std::numeric_limits<float>::quiet_NaN() : value;
  });
  EXPECT_TRUE(contains(loading_message(folder.path()),
                       "\"layers.1.cell.output.weight\" holds a number that is not finite"));
}

TEST(Engine, AWindowOutOfAllProportionIsRefusedBeforeMemoryIsTaken) {
  const TinyModelFolder folder;
  ModelConfig config = tiny_config();
  config.window = int64_t{1} << 22;
  config.segment = config.window;
  put_bytes(folder.path() / "config.json", model_config_to_json(config, "bytes"));
  const std::string message = loading_message(folder.path());
  EXPECT_TRUE(contains(message, "config.json: window 4194304 asks for")) << message;
}

TEST(Engine, EmptyFeedsReadNothing) {
  Engine engine(case_folder().path(), {.threads = 1});
  StreamState state = engine.begin();
  engine.feed(state, {});
  EXPECT_EQ(state.tokens_read(), 0);
  engine.feed(std::span<Feed>());
}

TEST(Engine, PositionsPastThirtyTwoBitsAreReadLikeOthers) {
  Engine engine(case_folder().path(), {.threads = 1});
  StreamState state = engine.begin();
  engine.feed(state, random_tokens(23, 3));
  StreamState late = state;
  late.set_tokens_read((int64_t{1} << 40) * 10 + 23);  // whole pairs of blocks further
  engine.feed(state, random_tokens(40, 4));
  engine.feed(late, random_tokens(40, 4));
  EXPECT_TRUE(std::ranges::equal(state.logits(), late.logits()));
  EXPECT_EQ(late.tokens_read(), (int64_t{1} << 40) * 10 + 63);
}

TEST(Engine, LongStreamsStayFinite) {
  Engine engine(case_folder().path(), {.threads = 1});
  StreamState state = engine.begin();
  const std::vector<int32_t> tokens = random_tokens(100'000, 11);
  engine.feed(state, tokens);
  EXPECT_EQ(state.tokens_read(), 100'000);
  for (const float logit : state.logits()) {
    EXPECT_TRUE(std::isfinite(logit));
  }
  for (const float value : state.state(1)) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

}  // namespace
}  // namespace brt
