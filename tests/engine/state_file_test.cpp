// SPDX-License-Identifier: Apache-2.0
// State files: going on exactly, and refusing what is damaged or another model's.
#include "engine/state_file.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/little_endian.h"
#include "engine/tiny_model_folder.h"
#include "generate/prompt_reader.h"
#include "generate/text_generator.h"
#include "support/random_text.h"
#include "support/text_assertions.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

Session read_text(Engine& engine, std::string_view text) {
  const ByteTokenizer tokenizer;
  Session session{.stream = engine.begin(), .text = {}};
  session.text.sampler = {.min_p = 0.1, .repetition_penalty = 1.2, .seed = ~uint64_t{0}};
  PromptReader reader(engine, tokenizer, session);
  reader.append(text);
  reader.finish();
  return session;
}

Session save_and_load(Engine& engine, const Session& session, const ScratchFolder& folder) {
  const ByteTokenizer tokenizer;
  std::string note;
  save_state(folder / "s", session, identify(engine, tokenizer));
  Session loaded = load_state(folder / "s", engine, tokenizer, note);
  EXPECT_EQ(note, "");
  return loaded;
}

std::string continue_text(Engine& engine, Session& session, int64_t tokens) {
  std::string text;
  continue_texts(engine, ByteTokenizer(), {&session, 1}, {.max_tokens = tokens},
                 [&](size_t, std::string_view part) { text += part; });
  return text;
}

/// A session's parts, one behind the other.
std::string parts_of(const Session& session) {
  std::string bytes;
  session.stream.for_each_part([&](const std::string& name, std::span<const std::byte> part) {
    bytes += name;
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

class StateFiles : public testing::TestWithParam<WeightFormat> {};

TEST_P(StateFiles, TheNextThousandLogitsAreBitEqual) {
  ModelConfig config = tiny_config();
  config.feedback = true;
  const TinyModelFolder model(config);
  Engine engine(model.path(), {.weights = GetParam(), .threads = 1});
  for (const int64_t read : {3, 4, 41}) {  // blocks of 4: within, and between
    ScratchFolder folder;
    Session whole = read_text(engine, random_text(read, 3));
    Session loaded = save_and_load(engine, whole, folder);
    for (int32_t i = 0; i < 1000; ++i) {
      ASSERT_TRUE(std::ranges::equal(loaded.stream.logits(), whole.stream.logits())) << i;
      const int32_t token = i * 37 % 256;
      engine.feed(whole.stream, {&token, 1});
      engine.feed(loaded.stream, {&token, 1});
    }
    EXPECT_EQ(loaded.stream.tokens_read(), read + 1000);
    EXPECT_EQ(parts_of(loaded), parts_of(whole));
  }
}

INSTANTIATE_TEST_SUITE_P(Weights,
                         StateFiles,
                         testing::Values(WeightFormat::kFloat32,
                                         WeightFormat::kBfloat16,
                                         WeightFormat::kInt8),
                         [](const testing::TestParamInfo<WeightFormat>& format) {
                           return std::string(to_word(format.param));
                         });

TEST(StateFile, FiftyTokensSavedAndFiftyMoreAreAHundred) {
  ScratchFolder folder;
  Session whole = read_text(tiny_engine(), "abc");
  Session first = whole;
  const std::string text = continue_text(tiny_engine(), whole, 100);
  std::string parts = continue_text(tiny_engine(), first, 50);
  Session second = save_and_load(tiny_engine(), first, folder);
  parts += continue_text(tiny_engine(), second, 50);
  EXPECT_EQ(text.size(), 100U);
  EXPECT_EQ(parts, text);
  EXPECT_EQ(second.text.recent_tokens, whole.text.recent_tokens);
}

TEST(StateFile, EveryFieldComesBack) {
  ScratchFolder folder;
  Session session = read_text(tiny_engine(), "It was");
  session.text.sampler = {.temperature = 0.1,
                          .top_k = 7,
                          .top_p = 1.0 / 3.0,
                          .min_p = 0.01,
                          .repetition_penalty = 1.1,
                          .repetition_window = 99,
                          .seed = 18446744073709551615ULL,
                          .logit_bias = {{3, -std::numeric_limits<double>::infinity()}, {5, 0.7}}};
  session.text.stop_text = std::string("\xff\0st", 4);
  session.text.pending_text = "half a li";
  session.text.lines_read = int64_t{1} << 40;
  session.text.line = {.bytes = 5, .tokens = 4, .nats = 1.0 / 3.0, .text = "\xff\x1b"};
  const TextProgress loaded = save_and_load(tiny_engine(), session, folder).text;
  EXPECT_EQ(loaded.sampler.temperature, 0.1);
  EXPECT_EQ(loaded.sampler.top_k, 7);
  EXPECT_EQ(loaded.sampler.top_p, 1.0 / 3.0);
  EXPECT_EQ(loaded.sampler.min_p, 0.01);
  EXPECT_EQ(loaded.sampler.repetition_penalty, 1.1);
  EXPECT_EQ(loaded.sampler.repetition_window, 99);
  EXPECT_EQ(loaded.sampler.seed, session.text.sampler.seed);
  EXPECT_EQ(loaded.sampler.logit_bias, session.text.sampler.logit_bias);
  EXPECT_EQ(loaded.stop_text, session.text.stop_text);
  EXPECT_EQ(loaded.pending_text, session.text.pending_text);
  EXPECT_EQ(loaded.recent_tokens, session.text.recent_tokens);
  EXPECT_EQ(loaded.bytes_read, 6);
  EXPECT_EQ(loaded.lines_read, int64_t{1} << 40);
  EXPECT_EQ(loaded.line.bytes, 5);
  EXPECT_EQ(loaded.line.tokens, 4);
  EXPECT_EQ(loaded.line.nats, 1.0 / 3.0);
  EXPECT_EQ(loaded.line.text, "\xff\x1b");
}

TEST(StateFile, AnEmptyDocumentIsAStateToo) {
  ScratchFolder folder;
  const Session session{.stream = tiny_engine().begin(), .text = {}};
  const Session loaded = save_and_load(tiny_engine(), session, folder);
  EXPECT_EQ(loaded.stream.tokens_read(), 0);
  EXPECT_TRUE(loaded.stream.logits().empty());
}

TEST(StateFile, AnotherModelsStateIsRefusedWithBothFingerprints) {
  ScratchFolder folder;
  const ByteTokenizer tokenizer;
  const TinyModelFolder other_folder(tiny_config(), 4);
  Engine other(other_folder.path(), {.weights = WeightFormat::kFloat32, .threads = 1});
  save_state(folder / "s", read_text(other, "abc"), identify(other, tokenizer));
  std::string note;
  const std::string message = thrown_message<CheckpointError>(
      [&] { load_state(folder / "s", tiny_engine(), tokenizer, note); });
  EXPECT_TRUE(contains(message, hash_text(other.fingerprint())));
  EXPECT_TRUE(contains(message, hash_text(tiny_engine().fingerprint())));
}

TEST(StateFile, AnotherWeightFormatIsRefusedWithACure) {
  ScratchFolder folder;
  const ByteTokenizer tokenizer;
  const TinyModelFolder model;
  Engine other(model.path(), {.weights = WeightFormat::kBfloat16, .threads = 1});
  save_state(folder / "s", read_text(other, "abc"), identify(other, tokenizer));
  std::string note;
  EXPECT_TRUE(contains(thrown_message<CheckpointError>(
                           [&] { load_state(folder / "s", tiny_engine(), tokenizer, note); }),
                       "hint: give --weights bf16"));
}

TEST(StateFile, AnotherKernelTargetIsTakenWithANote) {
  ScratchFolder folder;
  const ByteTokenizer tokenizer;
  ModelIdentity elsewhere = identify(tiny_engine(), tokenizer);
  elsewhere.kernel_target = "abacus";
  const Session session = read_text(tiny_engine(), "abc");
  save_state(folder / "s", session, elsewhere);
  std::string note;
  const Session loaded = load_state(folder / "s", tiny_engine(), tokenizer, note);
  EXPECT_TRUE(contains(note, "abacus"));
  EXPECT_TRUE(std::ranges::equal(loaded.stream.logits(), session.stream.logits()));
}

class DamagedState : public testing::Test {
 protected:
  void SetUp() override {
    save_state(folder_ / "s", read_text(tiny_engine(), "It was"),
               identify(tiny_engine(), ByteTokenizer()));
    sound_ = get_bytes(folder_ / "s");
  }
  /// Of a file whose header has `to` in place of `from`, and is sound otherwise.
  std::string message_with(const std::string& from, const std::string& to) {
    constexpr size_t kFixedBytes = 20;  // "BRTSTATE", version, size of the header
    const size_t header_bytes = little_endian_at<uint64_t>(sound_, kFixedBytes - 8);
    std::string header = sound_.substr(kFixedBytes, header_bytes);
    header.replace(header.find(from), from.size(), to);
    std::string bytes = sound_.substr(0, kFixedBytes - 8);
    append_little_endian(bytes, static_cast<uint64_t>(header.size()));
    bytes += header + sound_.substr(kFixedBytes + header_bytes);
    bytes.resize(bytes.size() - 8);
    append_little_endian(bytes, hash_bytes(bytes));
    return message_of(bytes);
  }
  std::string message_of(const std::string& bytes) {
    put_bytes(folder_ / "s", bytes);
    return thrown_message<CheckpointError>([&] { read_state_file(folder_ / "s"); });
  }

  ScratchFolder folder_;
  std::string sound_;
};

TEST_F(DamagedState, AThousandFlippedBitsAreRefused) {
  SeededRandom random(8);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t bit = random.below(sound_.size() * 8);
    std::string bytes = sound_;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(message_of(bytes), "nothing thrown") << "bit " << bit;
  }
}

TEST_F(DamagedState, EveryTruncationIsRefused) {
  for (size_t size = 0; size < sound_.size(); ++size) {
    std::filesystem::resize_file(folder_ / "s", sound_.size() - size - 1);
    ASSERT_THROW(read_state_file(folder_ / "s"), CheckpointError) << "cut by " << size + 1;
  }
  EXPECT_TRUE(contains(message_of(sound_ + "x"), "the state file is damaged"));
}

TEST_F(DamagedState, SaysWhatIsWrong) {
  EXPECT_TRUE(contains(message_of(sound_.substr(0, 20)), "cut off"));
  std::string bytes = sound_;
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  EXPECT_TRUE(contains(message_of(bytes), "its checksum must be"));
  EXPECT_TRUE(contains(message_of("{}"), "not a state file"));
}

TEST_F(DamagedState, NumbersThatNoStateHasAreRefused) {
  EXPECT_EQ(message_with("\"lines_read\":0", "\"lines_read\":7"), "nothing thrown");
  for (const char* count : {"-1", "1e300", "6.5", "9223372036854775807", "18446744073709551615"}) {
    EXPECT_TRUE(
        contains(message_with("\"tokens_read\":6", fmt::format("\"tokens_read\":{}", count)),
                 "the state file is damaged"))
        << count;
  }
  EXPECT_TRUE(contains(message_with("\"recent_tokens\":[73", "\"recent_tokens\":[4294967369"),
                       "\"4294967369\" is not a whole number, or is out of range"));
  EXPECT_TRUE(contains(message_with("\"stop_text\":\"", "\"stop_text\":\"a"), "has an odd number"));
}

TEST_F(DamagedState, AHeaderNestedDeeplyIsRefused) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_TRUE(contains(message_with("\"lines_read\":0", "\"lines_read\":" + deep),
                       "the state file is damaged: JSON nested more than 64 deep"));
}

TEST_F(DamagedState, AnotherVersionIsNamed) {
  std::string bytes = sound_.substr(0, sound_.size() - 8);
  bytes[8] = 9;
  const uint64_t checksum = hash_bytes(bytes);
  bytes.append(reinterpret_cast<const char*>(&checksum), 8);
  EXPECT_TRUE(contains(message_of(bytes), "has format version 9, this program reads version 2"));
}

TEST(StateFile, PartsAreCompared) {
  ScratchFolder folder;
  const ModelIdentity identity = identify(tiny_engine(), ByteTokenizer());
  save_state(folder / "a", read_text(tiny_engine(), "It was a dark"), identity);
  save_state(folder / "b", read_text(tiny_engine(), "It was a dart"), identity);
  const StateFile first = read_state_file(folder / "a");
  const StateFile second = read_state_file(folder / "b");
  EXPECT_TRUE(compare_parts(first, first).empty());
  const std::vector<PartDifference> differences = compare_parts(first, second);
  ASSERT_FALSE(differences.empty());
  EXPECT_EQ(differences.back().name, "logits");
  EXPECT_GT(differences.back().largest, 0.0);
  EXPECT_LE(differences.back().values, 257);
}

TEST(StateFile, ChangedAndWrittenAgainItStaysWhole) {
  ScratchFolder folder;
  const ByteTokenizer tokenizer;
  const Session session = read_text(tiny_engine(), "abc");
  save_state(folder / "a", session, identify(tiny_engine(), tokenizer));
  StateFile file = read_state_file(folder / "a");
  file.text.sampler.seed = 77;
  write_state_file(folder / "b", file);
  std::string note;
  const Session fork = load_state(folder / "b", tiny_engine(), tokenizer, note);
  EXPECT_EQ(fork.text.sampler.seed, 77U);
  EXPECT_EQ(parts_of(fork), parts_of(session));
}

}  // namespace
}  // namespace brt
