// SPDX-License-Identifier: Apache-2.0
#include "text/sentencepiece_tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include "base/error.h"
#include "base/files.h"
#include "sample_text.h"

namespace brt {
namespace {

using namespace std::string_literals;

/// Runs with a trained model of each type.
class TrainedModel : public testing::TestWithParam<std::string> {
 protected:
  const SentencePieceTokenizer& tokenizer_ = test::trained_tokenizer(GetParam());

  void expect_back(const std::string& text) {
    const std::vector<int32_t> tokens = tokenizer_.encode_document(text);
    ASSERT_TRUE(tokenizer_.decode(tokens) == text) << testing::PrintToString(text.substr(0, 200));
    for (const int32_t token : tokens) {
      ASSERT_GE(token, 2);  // neither unknown nor document end
      ASSERT_LT(token, tokenizer_.vocab_size());
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Types, TrainedModel, testing::Values("bpe", "unigram"));

TEST_P(TrainedModel, IsLossless) {
  EXPECT_TRUE(tokenizer_.is_lossless());
  EXPECT_EQ(tokenizer_.vocab_size(), 600);
  EXPECT_EQ(tokenizer_.document_end(), 1);
  EXPECT_EQ(tokenizer_.token_bytes(0), "");
  EXPECT_EQ(tokenizer_.token_bytes(1), "");
}

TEST_P(TrainedModel, EverySingleByteComesBack) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(static_cast<unsigned char>(byte)));
    expect_back(text);
    expect_back("sal" + text + "dor");
    expect_back(" " + text + " ");
  }
}

TEST_P(TrainedModel, RandomBytesComeBack) {
  SeededRandom random(11);
  for (size_t size = 0; size < 300; ++size) {
    expect_back(test::random_bytes(size, random));
  }
  expect_back(test::random_bytes(300000, random));
}

TEST_P(TrainedModel, RandomCharactersComeBack) {
  SeededRandom random(12);
  for (size_t count = 0; count < 300; ++count) {
    expect_back(test::random_characters(count, random));
  }
  expect_back(test::random_characters(100000, random));
}

TEST_P(TrainedModel, TextsThatLookLikeTheModelsOwnMarksComeBack) {
  for (const std::string& text : {""s,
                                  " "s,
                                  "  "s,
                                  "a  b   c    "s,
                                  "\xE2\x96\x81"s,
                                  "\xE2\x96\x81 \xE2\x96\x81to \xE2\x96\x81"s,
                                  "ba\xE2\x96\x81\xE2\x96\x81ren"s,
                                  "\xE2\x96"s,
                                  "\xE2\x96\x85 \xE2\x96\x85"s,
                                  "\xEF\xBF\xBD"s,
                                  "\xEF\xBB\xBFto"s,
                                  "<s>"s,
                                  "</s>"s,
                                  "<unk>"s,
                                  "<pad>"s,
                                  "<0x41>"s,
                                  "to<0x0A></s>mi<unk> </s>"s,
                                  "\t\ta\t b"s,
                                  "\n\n a\n"s,
                                  "a\r\nb\r\n"s,
                                  "a\0b\0\0"s,
                                  "\xE2\x81\x87 \xE2\x81\x87"s,
                                  std::string(5000, ' '),
                                  std::string(5000, '\n')}) {
    expect_back(text);
  }
}

TEST_P(TrainedModel, ProseComesBackInFewerTokensThanBytes) {
  const std::string text = test::sample_prose(100000, 99);
  expect_back(text);
  EXPECT_LT(tokenizer_.encode_document(text).size(), text.size() / 2);
}

TEST_P(TrainedModel, CuttingADocumentIntoPiecesDoesNotChangeItsTokens) {
  const std::string text = test::sample_prose(400000, 3);
  std::vector<int32_t> whole;
  tokenizer_.encode(text, whole);
  EXPECT_TRUE(tokenizer_.encode_document(text) == whole);
}

TEST_P(TrainedModel, TokensOfALineAreThoseOfTheLibrary) {
  sentencepiece::SentencePieceProcessor library;
  ASSERT_TRUE(library.LoadFromSerializedProto(tokenizer_.serialized()).ok());
  const std::function<std::optional<std::string>()> next_line =
      test::lines_of(test::sample_prose(20000, 4));
  while (const std::optional<std::string> line = next_line()) {
    const std::vector<int> expected = library.EncodeAsIds(*line);
    std::vector<int32_t> tokens;
    tokenizer_.encode(*line, tokens);
    ASSERT_EQ(tokens, std::vector<int32_t>(expected.begin(), expected.end())) << *line;
  }
}

TEST_P(TrainedModel, NoPieceHoldsALineEnd) {
  for (int32_t token = 0; token < tokenizer_.vocab_size(); ++token) {
    const std::string_view bytes = tokenizer_.token_bytes(token);
    EXPECT_TRUE(bytes.size() == 1 || bytes.find('\n') == std::string_view::npos) << token;
  }
}

TEST_P(TrainedModel, EncodeAppendsToWhatIsThere) {
  std::vector<int32_t> tokens = {1, 1};
  tokenizer_.encode("to mi to mi", tokens);
  EXPECT_EQ(tokenizer_.decode(tokens), "to mi to mi");
  EXPECT_GT(tokens.size(), 2U);
  EXPECT_EQ(tokens[0], 1);
  EXPECT_EQ(tokens[1], 1);
}

TEST_P(TrainedModel, ATokenOutsideTheVocabularyIsAnError) {
  EXPECT_THROW(tokenizer_.token_bytes(-1), DataError);
  try {
    tokenizer_.token_bytes(600);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "token 600 is outside [0, 600)");
  }
}

TEST_P(TrainedModel, ACutOffModelIsAnErrorOrAModel) {
  const std::string& whole = tokenizer_.serialized();
  size_t num_errors = 0;
  for (size_t size = 0; size < whole.size(); size += 97) {
    try {
      const SentencePieceTokenizer cut(whole.substr(0, size), "cut");
    } catch (const DataError&) {
      ++num_errors;
    }
  }
  EXPECT_GT(num_errors, whole.size() / 97 / 2);
}

// A message field, as the wire format has it: number and type, length, contents.
std::string field(char number, const std::string& contents) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(contents.size()) +
         contents;
}

// A piece of a model: its text, a score of zero, its type.
std::string piece(const std::string& text, char type) {
  return field(1, field(1, text) + "\x15\0\0\0\0\x18"s + type);
}

TEST(SentencePieceTokenizer, AModelWithoutAnEndTokenGetsOneMoreToken) {
  const SentencePieceTokenizer tokenizer(piece("<unk>", 2) + piece("a", 1), "x.model");
  EXPECT_EQ(tokenizer.vocab_size(), 3);
  EXPECT_EQ(tokenizer.document_end(), 2);
  EXPECT_EQ(tokenizer.token_bytes(2), "");
  EXPECT_THROW(tokenizer.token_bytes(3), DataError);
}

TEST(SentencePieceTokenizer, AModelThatTheLibraryRefusesIsAnErrorWithItsReason) {
  try {
    const SentencePieceTokenizer tokenizer(piece("a", 1) + piece("a", 1), "x.model");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_EQ(std::string(error.what()).find("x.model: not a usable SentencePiece model ("), 0U)
        << error.what();
  }
}

TEST(SentencePieceTokenizer, AModelWithoutByteTokensIsLossyAndReplacesWhatItDoesNotKnow) {
  const std::string model = piece("<unk>", 2) + piece("</s>", 3) + piece("a", 1) +
                            piece("\xE2\x96\x81", 1) + field(3, "\x18\0\x20\0"s);
  const SentencePieceTokenizer tokenizer(model, "x.model");
  EXPECT_FALSE(tokenizer.is_lossless());
  EXPECT_EQ(tokenizer.encode_document("a a"), (std::vector<int32_t>{2, 3, 2}));
  EXPECT_EQ(tokenizer.encode_document("a\xFFz"), (std::vector<int32_t>{2, 0}));
  EXPECT_EQ(tokenizer.decode({2, 0, 1}), "a \xE2\x81\x87 ");
}

TEST(SentencePieceTokenizer, TheSpaceThatAModelAddsIsNotDecoded) {
  const std::string model = piece("<unk>", 2) + piece("</s>", 3) + piece("a", 1) +
                            piece("\xE2\x96\x81", 1) + field(3, "\x18\x01\x20\0"s);
  const SentencePieceTokenizer tokenizer(model, "x.model");
  EXPECT_EQ(tokenizer.encode_document("a a"), (std::vector<int32_t>{3, 2, 3, 2}));
  EXPECT_EQ(tokenizer.decode({3, 2, 3, 2}), "a a");
  // What follows in a document is cut before a space and must not get a second one.
  std::vector<int32_t> tokens;
  tokenizer.encode(" a", tokens);
  EXPECT_EQ(tokens, (std::vector<int32_t>{3, 2}));
}

using Places = std::vector<size_t>;

/// Where the tokens of a piece begin in it.
Places places_of(const Tokenizer& tokenizer, std::string_view piece) {
  std::vector<int32_t> tokens;
  std::vector<int32_t> plain;
  Places offsets;
  tokenizer.encode_with_offsets(piece, tokens, offsets);
  tokenizer.encode(piece, plain);
  EXPECT_EQ(tokens, plain);
  EXPECT_EQ(offsets.size(), tokens.size());
  return offsets;
}

TEST(SentencePieceTokenizer, PlacesAreOfTheTextAsItWasGiven) {
  // Puts a space before the text, drops doubled ones and those at the ends.
  const std::string drops = piece("<unk>", 2) + piece("</s>", 3) + piece("a", 1) +
                            piece("\xE2\x96\x81", 1) + field(3, "\x18\x01\x20\x01"s);
  const SentencePieceTokenizer dropping(drops, "x.model");
  EXPECT_EQ(places_of(dropping, "a  a"), (Places{0, 0, 1, 3}));
  EXPECT_EQ(places_of(dropping, "  "), Places{});
  // Keeps them, so that a piece that opens with a space gets none before it.
  const std::string keeps = piece("<unk>", 2) + piece("</s>", 3) + piece("a", 1) +
                            piece("\xE2\x96\x81", 1) + field(3, "\x18\x01\x20\0"s);
  const SentencePieceTokenizer keeping(keeps, "x.model");
  EXPECT_EQ(places_of(keeping, " a a"), (Places{0, 1, 2, 3}));
  // A byte that is not UTF-8 becomes three of the text that the model sees.
  EXPECT_EQ(places_of(keeping,
                      "a\xFF"
                      "a\xFF"
                      "a"),
            (Places{0, 0, 1, 2, 3, 4}));
}

TEST(SentencePieceTokenizer, PlacesOfALossyModelRiseWithinTheText) {
  const SentencePieceTokenizer lossy(
      test::trained_tokenizer("bpe").serialized() + "\x1a\x04\x18\x01\x20\x01"s, "lossy.model");
  ASSERT_FALSE(lossy.is_lossless());
  SeededRandom random(5);
  for (int i = 0; i < 20; ++i) {
    const std::string text = test::sample_prose(500, static_cast<uint64_t>(i)) +
                             test::random_characters(30, random) + test::random_bytes(30, random);
    const Places offsets = places_of(lossy, text);
    EXPECT_TRUE(std::ranges::is_sorted(offsets));
    EXPECT_TRUE(offsets.empty() || offsets.back() < text.size());
  }
}

TEST_P(TrainedModel, PlacesAreSumsOfTheBytesBefore) {
  const std::string text = test::sample_prose(3000, 8);
  const std::vector<int32_t> tokens = tokenizer_.encode_document(text);
  const Places offsets = places_of(tokenizer_, text);
  size_t sum = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    ASSERT_EQ(offsets[i], sum) << i;
    sum += tokenizer_.token_bytes(tokens[i]).size();
  }
}

TEST(SentencePieceTokenizer, ReferenceVocabulariesTokenizeAsTheLibraryDoes) {
  const std::filesystem::path folder =
      std::filesystem::path(BRT_SOURCE_DIR) / ".." / "shared" / "vocab";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "no vocabularies in " << folder;
  }
  const std::string text = "It was the best of times, it was the worst of times.";
  for (const int64_t vocab_size : {1000, 4000, 8000, 32000}) {
    const std::string path =
        (folder / ("pg19train_bpe_" + std::to_string(vocab_size) + ".model")).string();
    const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(path);
    EXPECT_EQ(tokenizer->vocab_size(), vocab_size + 1);  // they have no end token
    EXPECT_EQ(tokenizer->token_bytes(tokenizer->document_end()), "");
    sentencepiece::SentencePieceProcessor library;
    ASSERT_TRUE(library.Load(path).ok());
    const std::vector<int> expected = library.EncodeAsIds(text);
    const std::vector<int32_t> tokens = tokenizer->encode_document(text);
    EXPECT_EQ(tokens, std::vector<int32_t>(expected.begin(), expected.end()));
    EXPECT_EQ(tokenizer->decode(tokens), text);
  }
}

}  // namespace
}  // namespace brt
