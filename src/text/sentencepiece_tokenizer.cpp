// SPDX-License-Identifier: Apache-2.0
// Encodes through the SentencePiece library what it keeps as it is, and all other bytes one by one.
#include "text/sentencepiece_tokenizer.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include "base/error.h"
#include "text/utf8.h"

namespace brt {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";        // U+2581, a space inside pieces
constexpr std::string_view kReplacementMark = "\xEF\xBF\xBD";  // U+FFFD

std::string with_spaces(std::string_view piece) {
  std::string text;
  while (!piece.empty()) {
    const size_t mark = piece.find(kSpaceMark);
    text += piece.substr(0, mark);
    if (mark == std::string_view::npos) {
      break;
    }
    text += ' ';
    piece.remove_prefix(mark + kSpaceMark.size());
  }
  return text;
}

/// Bytes of a piece that stand together in the text that the library is given.
struct Run {
  size_t in_text = 0;   ///< where they begin there
  size_t in_piece = 0;  ///< and in the piece
};

/// Appends the offsets in the piece of bytes of the text. Both lists are in order; `runs` begin
/// with the text.
void append_places(const std::vector<size_t>& in_text,
                   const std::vector<Run>& runs,
                   std::vector<size_t>& offsets) {
  size_t run = 0;
  for (const size_t offset : in_text) {
    while (run + 1 < runs.size() && runs[run + 1].in_text <= offset) {
      ++run;
    }
    offsets.push_back(runs[run].in_piece + (offset - runs[run].in_text));
  }
}

/// Whether a space stands anywhere in the text after something else.
bool has_space_after_other(std::string_view text) {
  const size_t other = text.find_first_not_of(' ');
  return other != std::string_view::npos && text.find(' ', other) != std::string_view::npos;
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(std::string serialized, const std::string& name)
    : serialized_(std::move(serialized)),
      processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()) {
  const std::string hint = "`brt tokenizer train` makes a model that fits";
  const std::optional<SentencePieceSettings> settings = read_sentencepiece_settings(serialized_);
  if (!settings) {
    throw DataError(name + ": not a SentencePiece model", hint);
  }
  settings_ = *settings;
  const sentencepiece::util::Status status = processor_->LoadFromSerializedProto(serialized_);
  if (!status.ok()) {
    throw DataError(name + ": not a usable SentencePiece model (" + status.ToString() + ")", hint);
  }
  read_pieces();
}

SentencePieceTokenizer::~SentencePieceTokenizer() = default;

void SentencePieceTokenizer::read_pieces() {
  byte_tokens_.fill(-1);
  token_bytes_.resize(static_cast<size_t>(processor_->GetPieceSize()));
  for (size_t i = 0; i < token_bytes_.size(); ++i) {
    const int token = static_cast<int>(i);
    const std::string& piece = processor_->IdToPiece(token);
    if (processor_->IsByte(token)) {
      const size_t byte = static_cast<size_t>(std::stoul(piece.substr(3, 2), nullptr, 16));
      byte_tokens_[byte] = token;
      token_bytes_[i] = std::string(1, static_cast<char>(static_cast<unsigned char>(byte)));
    } else if (!processor_->IsControl(token) && !processor_->IsUnknown(token)) {
      token_bytes_[i] = with_spaces(piece);
      for (const char character : token_bytes_[i]) {
        const size_t code = static_cast<unsigned char>(character);
        if (code < occurs_in_pieces_.size()) {
          occurs_in_pieces_[code] = true;
        }
      }
      words_are_apart_ = words_are_apart_ && !has_space_after_other(token_bytes_[i]);
    }
  }
  for (const int32_t token : byte_tokens_) {
    has_byte_tokens_ = has_byte_tokens_ && token >= 0;
  }
  // A space that is a piece by itself never falls back to the bytes of its mark, and one that no
  // piece holds is encoded as a byte here.
  const int space = processor_->PieceToId(kSpaceMark);
  const bool spaces_are_kept =
      !occurs_in_pieces_[' '] || (!processor_->IsUnknown(space) && !processor_->IsUnused(space));
  lossless_ = has_byte_tokens_ && !settings_.maps_characters && !settings_.add_dummy_prefix &&
              !settings_.remove_extra_whitespaces && settings_.escape_whitespaces &&
              spaces_are_kept;
  document_end_ = processor_->eos_id();
  if (document_end_ < 0) {
    document_end_ = static_cast<int32_t>(token_bytes_.size());
    token_bytes_.emplace_back();
  }
  if (!lossless_ && processor_->unk_id() >= 0) {
    const int unknown = processor_->unk_id();
    token_bytes_[static_cast<size_t>(unknown)] = processor_->DecodeIds(std::vector<int>{unknown});
  }
}

void SentencePieceTokenizer::encode(std::string_view piece, std::vector<int32_t>& tokens) const {
  if (lossless_) {
    encode_exactly(piece, tokens);
  } else {
    encode_inexactly(piece, tokens, nullptr);
  }
}

void SentencePieceTokenizer::encode_with_offsets(std::string_view piece,
                                                 std::vector<int32_t>& tokens,
                                                 std::vector<size_t>& offsets) const {
  if (lossless_) {
    Tokenizer::encode_with_offsets(piece, tokens, offsets);
  } else {
    encode_inexactly(piece, tokens, &offsets);
  }
}

void SentencePieceTokenizer::encode_exactly(std::string_view piece,
                                            std::vector<int32_t>& tokens) const {
  SeenWords seen_words;
  while (!piece.empty()) {
    const size_t valid = valid_utf8_prefix(piece);
    encode_characters(piece.substr(0, valid), seen_words, tokens);
    piece.remove_prefix(valid);
    if (!piece.empty()) {
      append_byte(piece.front(), tokens);
      piece.remove_prefix(1);
    }
  }
}

/// Cuts valid UTF-8 where no piece can reach across, so that the tokens of a word depend on that
/// word only: a model that adds up scores in float32 would else choose by what stands far ahead.
void SentencePieceTokenizer::encode_characters(std::string_view text,
                                               SeenWords& seen_words,
                                               std::vector<int32_t>& tokens) const {
  size_t begin = 0;
  size_t i = 0;
  while (i < text.size()) {
    const size_t code = static_cast<unsigned char>(text[i]);
    size_t bytes_apart = 0;
    if (code < occurs_in_pieces_.size()) {
      bytes_apart = code == 0 || !occurs_in_pieces_[code] ? 1 : 0;
    } else if (text.substr(i, kSpaceMark.size()) == kSpaceMark) {
      bytes_apart = kSpaceMark.size();
    }
    const bool opens_word = words_are_apart_ && code == ' ' && i > begin && text[i - 1] != ' ';
    if (bytes_apart == 0 && !opens_word) {
      ++i;
      continue;
    }
    encode_word(text.substr(begin, i - begin), seen_words, tokens);
    begin = i + bytes_apart;
    while (i < begin) {
      append_byte(text[i++], tokens);
    }
    if (opens_word && bytes_apart == 0) {
      ++i;
    }
  }
  encode_word(text.substr(begin), seen_words, tokens);
}

void SentencePieceTokenizer::encode_word(std::string_view word,
                                         SeenWords& seen_words,
                                         std::vector<int32_t>& tokens) const {
  if (word.empty()) {
    return;
  }
  const SeenWords::iterator seen = seen_words.find(word);
  if (seen == seen_words.end()) {
    const size_t begin = tokens.size();
    encode_by_model(word, tokens, nullptr);
    seen_words.emplace(word, Place{.begin = begin, .count = tokens.size() - begin});
    return;
  }
  const Place found = seen->second;
  for (size_t i = 0; i < found.count; ++i) {
    const int32_t token = tokens[found.begin + i];
    tokens.push_back(token);
  }
}

void SentencePieceTokenizer::encode_inexactly(std::string_view piece,
                                              std::vector<int32_t>& tokens,
                                              std::vector<size_t>* offsets) const {
  const size_t first_place = offsets == nullptr ? 0 : offsets->size();
  // The model puts a space before whatever it is given; a piece that opens with one, as all but the
  // first of a document do, must not get a second.
  const bool has_its_space =
      settings_.add_dummy_prefix && !settings_.remove_extra_whitespaces && piece.starts_with(' ');
  size_t done = has_its_space ? 1 : 0;
  std::string text;
  std::vector<Run> runs;
  const auto encode_text = [&] {
    std::vector<size_t> in_text;
    encode_by_model(text, tokens, offsets == nullptr ? nullptr : &in_text);
    if (offsets != nullptr) {
      append_places(in_text, runs, *offsets);
    }
    text.clear();
    runs.clear();
  };
  while (done < piece.size()) {
    const size_t valid = valid_utf8_prefix(piece.substr(done));
    runs.push_back({.in_text = text.size(), .in_piece = done});
    text += piece.substr(done, valid);
    done += valid;
    if (done == piece.size()) {
      break;
    }
    if (has_byte_tokens_) {
      encode_text();
      append_byte(piece[done], tokens);
      if (offsets != nullptr) {
        offsets->push_back(done);
      }
    } else {
      runs.push_back({.in_text = text.size(), .in_piece = done});
      text += kReplacementMark;
    }
    ++done;
  }
  encode_text();
  if (has_its_space && offsets != nullptr && offsets->size() > first_place) {
    (*offsets)[first_place] = 0;  // this token holds the space
  }
}

void SentencePieceTokenizer::encode_by_model(std::string_view text,
                                             std::vector<int32_t>& tokens,
                                             std::vector<size_t>* offsets) const {
  if (text.empty()) {
    return;
  }
  std::vector<int> encoded;
  sentencepiece::ImmutableSentencePieceText pieces;
  const sentencepiece::util::Status status = offsets == nullptr
                                                 ? processor_->Encode(text, &encoded)
                                                 : processor_->Encode(text, pieces.mutable_proto());
  if (!status.ok()) {
    throw DataError("tokenizer: SentencePiece cannot encode a piece of " +
                    std::to_string(text.size()) + " bytes: " + status.ToString());
  }
  if (offsets != nullptr) {
    for (const auto& piece : pieces.pieces()) {
      encoded.push_back(static_cast<int>(piece.id()));
      offsets->push_back(piece.begin());
    }
  }
  tokens.insert(tokens.end(), encoded.begin(), encoded.end());
}

void SentencePieceTokenizer::append_byte(char byte, std::vector<int32_t>& tokens) const {
  tokens.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
}

std::string_view SentencePieceTokenizer::token_bytes(int32_t token) const {
  if (token < 0 || token >= vocab_size()) {
    throw DataError(fmt::format("token {} is outside [0, {})", token, vocab_size()));
  }
  return token_bytes_[static_cast<size_t>(token)];
}

}  // namespace brt
