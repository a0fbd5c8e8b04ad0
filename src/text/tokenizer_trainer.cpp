// SPDX-License-Identifier: Apache-2.0
// Feeds lines to SentencePiece's trainer, cut so that it neither changes nor drops any of them.
#include "text/tokenizer_trainer.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <limits>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>
#include <sentencepiece_trainer.h>

#include "base/error.h"
#include "text/sentencepiece_tokenizer.h"
#include "text/utf8.h"

namespace brt {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, stands for a space in pieces
constexpr std::string_view kUnknownMark =
    "\xE2\x96\x85";  // U+2585, the trainer drops lines with it

constexpr int64_t kFixedPieces = 258;  // <unk>, </s> and 256 bytes
constexpr double kCharacterCoverage = 0.9995;

/// How many bytes at the front of a text must be kept out of training: not UTF-8, control
/// characters (line ends and tabs among them: no piece holds one), and the trainer's own marks.
size_t untrainable_prefix(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  const unsigned char first = static_cast<unsigned char>(text.front());
  if (first < 0x20 || first == 0x7F) {
    return 1;
  }
  if (first < 0x80) {
    return 0;
  }
  if (text.starts_with(kSpaceMark) || text.starts_with(kUnknownMark)) {
    return kSpaceMark.size();
  }
  return utf8_character_size(text) == 0 ? 1 : 0;
}

/// The first sentence of a text that opens with a trainable character: up to the first character
/// that is not, or if that is more than `longest` bytes, up to the last word that fits.
std::string_view first_sentence(std::string_view text, size_t longest) {
  size_t size = 0;
  size_t whole_words = 0;
  while (size < text.size() && untrainable_prefix(text.substr(size)) == 0) {
    const size_t character = utf8_character_size(text.substr(size));
    if (size + character > longest) {
      return text.substr(0, whole_words > 0 ? whole_words : size);
    }
    if (text[size] == ' ' && size > 0 && text[size - 1] != ' ') {
      whole_words = size;
    }
    size += character;
  }
  return text.substr(0, size);
}

/// Sentences for the trainer, cut out of lines as they are needed. An exception of the source of
/// lines ends the sentences and waits for rethrow(): it must not cross the library.
class Sentences final : public sentencepiece::SentenceIterator {
 public:
  Sentences(const std::function<std::optional<std::string>()>& next_line,
            const TokenizerTrainerOptions& options)
      : next_line_(next_line), options_(options) {
    Next();
  }

  bool done() const override { return done_; }
  const std::string& value() const override { return sentence_; }
  sentencepiece::util::Status status() const override { return {}; }
  int64_t bytes() const { return bytes_; }

  void Next() override {
    try {
      done_ = !find_sentence();
    } catch (...) {
      failure_ = std::current_exception();
      done_ = true;
    }
  }

  void rethrow() const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  bool find_sentence() {
    const size_t longest = static_cast<size_t>(options_.max_sentence_bytes);
    while (bytes_ < options_.max_training_bytes) {
      std::string_view rest = std::string_view(line_).substr(position_);
      while (const size_t skipped = untrainable_prefix(rest)) {
        rest.remove_prefix(skipped);
      }
      if (!rest.empty()) {
        sentence_ = first_sentence(rest, longest);
        position_ = line_.size() - rest.size() + sentence_.size();
        bytes_ += static_cast<int64_t>(sentence_.size());
        return true;
      }
      std::optional<std::string> line = next_line_();
      if (!line) {
        return false;
      }
      line_ = std::move(*line);
      position_ = 0;
    }
    return false;
  }

  const std::function<std::optional<std::string>()>& next_line_;
  const TokenizerTrainerOptions& options_;
  std::string line_;
  size_t position_ = 0;  ///< where in line_ the next sentence is looked for
  std::string sentence_;
  int64_t bytes_ = 0;
  bool done_ = false;
  std::exception_ptr failure_;
};

/// The number that follows `words` in the library's message.
std::optional<int64_t> number_after(std::string_view message, std::string_view words) {
  const size_t found = message.find(words);
  if (found == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view digits = message.substr(found + words.size());
  int64_t number = 0;
  const std::from_chars_result result =
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return result.ec == std::errc() ? std::optional(number) : std::nullopt;
}

[[noreturn]] void throw_training_failed(const std::string& reason,
                                        int64_t bytes,
                                        const TokenizerTrainerOptions& options) {
  const std::string asked =
      fmt::format("tokenizer training: a vocabulary of {} needs", options.vocab_size);
  if (const std::optional<int64_t> most = number_after(reason, "set it to a value <= ")) {
    throw DataError(fmt::format("{} more text than {} bytes", asked, bytes),
                    fmt::format("ask for at most {}, or give more text", *most));
  }
  if (const std::optional<int64_t> least =
          number_after(reason, fmt::format("required_chars. {} vs ", options.vocab_size))) {
    throw DataError(fmt::format("{} fewer different characters than this text has", asked),
                    fmt::format("ask for at least {}", *least));
  }
  throw DataError("tokenizer training: SentencePiece failed: " + reason);
}

void check_options(const TokenizerTrainerOptions& options) {
  if (options.type != "bpe" && options.type != "unigram") {
    throw ConfigError("tokenizer training: type must be bpe or unigram, got \"" + options.type +
                      "\"");
  }
  if (options.vocab_size <= kFixedPieces ||
      options.vocab_size > std::numeric_limits<int32_t>::max()) {
    throw ConfigError(
        fmt::format("tokenizer training: the vocabulary must be larger than {}, got {}",
                    kFixedPieces, options.vocab_size),
        "256 bytes, the document end and the unknown token come first; usual sizes are "
        "1000 to 32000");
  }
  if (options.max_sentence_bytes < 10 || options.max_sentence_bytes > (1 << 30)) {
    throw ConfigError(
        fmt::format("tokenizer training: max_sentence_bytes must be in [10, 2^30], got {}",
                    options.max_sentence_bytes));
  }
  if (options.max_training_bytes < 1 || options.threads < 1 || options.threads > 1024) {
    throw ConfigError(fmt::format(
        "tokenizer training: max_training_bytes must be positive and threads in [1, 1024], got {} "
        "and {}",
        options.max_training_bytes, options.threads));
  }
}

}  // namespace

std::string train_tokenizer(const std::function<std::optional<std::string>()>& next_line,
                            const TokenizerTrainerOptions& options) {
  check_options(options);
  Sentences sentences(next_line, options);
  sentences.rethrow();
  if (sentences.done()) {
    throw DataError("tokenizer training: there is no text",
                    "give files with text; bytes that are not UTF-8 are passed over");
  }
  const std::unordered_map<std::string, std::string> arguments = {
      {"model_type", options.type},
      {"vocab_size", std::to_string(options.vocab_size)},
      {"byte_fallback", "true"},
      {"normalization_rule_name", "identity"},
      {"add_dummy_prefix", "false"},
      {"remove_extra_whitespaces", "false"},
      {"split_by_whitespace", "true"},
      {"allow_whitespace_only_pieces", "true"},  // indentation in few tokens
      {"character_coverage", fmt::format("{}", kCharacterCoverage)},
      {"max_sentence_length", std::to_string(options.max_sentence_bytes)},
      {"unk_id", "0"},
      {"eos_id", "1"},
      {"bos_id", "-1"},
      {"pad_id", "-1"},
      {"num_threads", std::to_string(options.threads)},
      {"minloglevel", "3"},  // fatal only: its progress log is not ours
  };
  std::string serialized;
  const sentencepiece::util::Status status =
      sentencepiece::SentencePieceTrainer::Train(arguments, &sentences, &serialized);
  sentences.rethrow();
  if (!status.ok()) {
    throw_training_failed(status.ToString(), sentences.bytes(), options);
  }
  const SentencePieceTokenizer trained(serialized, "tokenizer training");
  if (!trained.is_lossless() || trained.vocab_size() != options.vocab_size) {
    throw DataError(fmt::format(
        "tokenizer training: SentencePiece made a {} model of {} pieces, asked "
        "was a lossless one of {}",
        trained.is_lossless() ? "lossless" : "lossy", trained.vocab_size(), options.vocab_size));
  }
  return serialized;
}

}  // namespace brt
