// SPDX-License-Identifier: Apache-2.0
// brt tokenizer train, encode, decode.
#include "text/tokenizer.h"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/output_check.h"
#include "data/document_source.h"
#include "messages.h"
#include "number_checks.h"
#include "text/text_chunker.h"
#include "text/tokenizer_trainer.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

struct TrainArguments {
  std::vector<std::string> inputs;
  std::string output;
  TokenizerTrainerOptions trainer;
};

struct EncodeArguments {
  std::string model;
  std::string input = "-";
  bool pieces = false;
  bool json = false;
};

struct DecodeArguments {
  std::string model;
  std::string input = "-";
};

constexpr size_t kReadBytes = size_t{1} << 16;

void write_output(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw Error(fmt::format("standard output: cannot be written: {}", std::strerror(errno)));
  }
}

void finish_output() {
  if (std::fflush(stdout) != 0) {
    throw Error(fmt::format("standard output: cannot be written: {}", std::strerror(errno)));
  }
}

/// Gives the lines of all documents, without their ends. A line much longer than a sentence comes
/// in parts, so that memory does not grow with it.
class LineReader {
 public:
  explicit LineReader(DocumentSource& documents) : documents_(documents) {}

  std::optional<std::string> next_line() {
    while (true) {
      const size_t end = buffer_.find('\n', begin_);
      if (end != std::string::npos) {
        std::string line = buffer_.substr(begin_, end - begin_);
        begin_ = end + 1;
        return line;
      }
      buffer_.erase(0, begin_);
      begin_ = 0;
      if (buffer_.size() >= kLongestLineBytes || (!read_more() && !buffer_.empty())) {
        std::string line = std::move(buffer_);
        buffer_.clear();
        return line;
      }
      if (buffer_.empty()) {
        if (!documents_.next_document()) {
          return std::nullopt;
        }
        in_document_ = true;
      }
    }
  }

 private:
  static constexpr size_t kLongestLineBytes = size_t{1} << 20;

  bool read_more() {
    if (!in_document_) {
      return false;
    }
    const size_t old_size = buffer_.size();
    buffer_.resize(old_size + kReadBytes);
    const size_t size = documents_.read(buffer_.data() + old_size, kReadBytes);
    buffer_.resize(old_size + size);
    in_document_ = size > 0;
    return in_document_;
  }

  DocumentSource& documents_;
  std::string buffer_;
  size_t begin_ = 0;  ///< of the next line in buffer_
  bool in_document_ = false;
};

void train_verb(const TrainArguments& arguments) {
  check_output_file(arguments.output);
  PassedOver passed_over;
  const std::unique_ptr<DocumentSource> documents =
      open_documents(arguments.inputs, passed_over, [](const std::string& warning) {
        write_message(fmt::format("warning: {}\n", visible_text(warning)));
      });
  LineReader lines(*documents);
  int64_t num_lines = 0;
  write_message(fmt::format("training a {} tokenizer of {} pieces\n", arguments.trainer.type,
                            arguments.trainer.vocab_size));
  const std::string model = train_tokenizer(
      [&]() {
        std::optional<std::string> line = lines.next_line();
        num_lines += line ? 1 : 0;
        return line;
      },
      arguments.trainer);
  write_file_atomically(arguments.output, model);
  write_message(fmt::format("{}: {} pieces, trained on {} lines\n", arguments.output,
                            arguments.trainer.vocab_size, num_lines));
  if (passed_over.total() > 0) {
    write_message(fmt::format("passed over: {}\n", describe(passed_over)));
  }
}

/// Writes tokens in the form that was asked for, as they come.
class TokenWriter {
 public:
  TokenWriter(const Tokenizer& tokenizer, const EncodeArguments& arguments)
      : tokenizer_(tokenizer), arguments_(arguments) {}

  void write(const std::vector<int32_t>& tokens) {
    std::string text;
    for (const int32_t token : tokens) {
      if (arguments_.json) {
        text += first_ ? "[" : ",";
        text += arguments_.pieces ? json_piece(token) : std::to_string(token);
      } else if (arguments_.pieces) {
        text += fmt::format("{}\t{}\n", token, visible_text(tokenizer_.token_bytes(token)));
      } else {
        text += first_ ? "" : " ";
        text += std::to_string(token);
      }
      first_ = false;
    }
    write_output(text);
  }

  void finish() {
    if (arguments_.json) {
      write_output(first_ ? "[]\n" : "]\n");
    } else if (!arguments_.pieces) {
      write_output("\n");
    }
    finish_output();
  }

 private:
  std::string json_piece(int32_t token) const {
    return nlohmann::ordered_json{{"token", token},
                                  {"text", visible_text(tokenizer_.token_bytes(token))}}
        .dump();
  }

  const Tokenizer& tokenizer_;
  const EncodeArguments& arguments_;
  bool first_ = true;
};

/// A file of which the name "-" means standard input.
class InputFile {
 public:
  explicit InputFile(const std::string& name)
      : name_(name == "-" ? "standard input" : name),
        file_(name == "-" ? stdin : std::fopen(name.c_str(), "rb")) {
    if (file_ == nullptr) {
      throw DataError(name_ + ": cannot open the file", "give a file, or - for standard input");
    }
  }
  ~InputFile() {
    if (file_ != stdin) {
      std::fclose(file_);
    }
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& name() const { return name_; }

  /// Up to kReadBytes more; empty at the end.
  std::string read() {
    std::string part(kReadBytes, '\0');
    part.resize(std::fread(part.data(), 1, part.size(), file_));
    if (part.empty() && std::ferror(file_) != 0) {
      throw DataError(name_ + ": cannot read", "a folder cannot be read as one text");
    }
    return part;
  }

 private:
  std::string name_;
  std::FILE* file_;
};

void encode_verb(const EncodeArguments& arguments) {
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(arguments.model);
  InputFile input(arguments.input);
  TextChunker chunker;
  TokenWriter writer(*tokenizer, arguments);
  std::vector<int32_t> tokens;
  bool at_end = false;
  while (!at_end) {
    const std::string part = input.read();
    at_end = part.empty();
    if (at_end) {
      chunker.finish();
    } else {
      chunker.append(part);
    }
    while (const std::optional<std::string> piece = chunker.next()) {
      tokens.clear();
      tokenizer->encode(*piece, tokens);
      writer.write(tokens);
    }
  }
  writer.finish();
}

bool is_blank(char character) { return std::isspace(static_cast<unsigned char>(character)) != 0; }

std::vector<int32_t> parse_tokens(std::string_view text,
                                  const std::string& name,
                                  int64_t vocab_size) {
  std::vector<int32_t> tokens;
  size_t begin = 0;
  while (true) {
    while (begin < text.size() && is_blank(text[begin])) {
      ++begin;
    }
    if (begin == text.size()) {
      return tokens;
    }
    size_t end = begin;
    while (end < text.size() && !is_blank(text[end])) {
      ++end;
    }
    const std::string_view word = text.substr(begin, end - begin);
    int32_t token = 0;
    const std::from_chars_result result =
        std::from_chars(word.data(), word.data() + word.size(), token);
    if (result.ec == std::errc::invalid_argument || result.ptr != word.data() + word.size()) {
      throw DataError(
          fmt::format("{}: token {} at byte {} is not a number: \"{}\"", name, tokens.size(), begin,
                      visible_text(word.substr(0, 40))),
          "give token numbers separated by spaces, as `brt tokenizer encode` prints them");
    }
    if (result.ec == std::errc::result_out_of_range || token < 0 || token >= vocab_size) {
      throw DataError(fmt::format("{}: token {} at byte {} is outside [0, {}): {}", name,
                                  tokens.size(), begin, vocab_size, word.substr(0, 40)),
                      "was the text encoded with another model?");
    }
    tokens.push_back(token);
    begin = end;
  }
}

void decode_verb(const DecodeArguments& arguments) {
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(arguments.model);
  InputFile input(arguments.input);
  std::string text;
  for (std::string part = input.read(); !part.empty(); part = input.read()) {
    text += part;
  }
  write_output(tokenizer->decode(parse_tokens(text, input.name(), tokenizer->vocab_size())));
  finish_output();
}

void add_train(CLI::App& tokenizer) {
  CLI::App* verb =
      tokenizer.add_subcommand("train", "Train a lossless SentencePiece model on texts.");
  const std::shared_ptr<TrainArguments> arguments = std::make_shared<TrainArguments>();
  verb->add_option("--input", arguments->inputs,
                   "texts, .jsonl, .tar, .zip, .7z, plain or compressed, folders of them, or - for "
                   "standard input")
      ->required();
  verb->add_option("--output", arguments->output, "model file to write")->required();
  verb->add_option("--vocab", arguments->trainer.vocab_size, "number of tokens")
      ->check(whole_number(1))
      ->capture_default_str();
  verb->add_option("--type", arguments->trainer.type, "bpe or unigram")
      ->check(CLI::IsMember({"bpe", "unigram"}))
      ->capture_default_str();
  verb->add_option("--threads", arguments->trainer.threads, "threads (unigram training uses them)")
      ->check(whole_number(1, 1024))
      ->capture_default_str();
  verb->footer(
      "Examples:\n"
      "  brt tokenizer train --input books/train --vocab 4096 --output books.model\n"
      "  brt tokenizer train --input code.tar.zst --vocab 8000 --type unigram --output code.model");
  verb->callback([arguments]() { train_verb(*arguments); });
}

void add_encode(CLI::App& tokenizer) {
  CLI::App* verb = tokenizer.add_subcommand("encode", "Turn a text into token numbers.");
  const std::shared_ptr<EncodeArguments> arguments = std::make_shared<EncodeArguments>();
  verb->add_option("--model", arguments->model, "a SentencePiece model, or bytes")->required();
  verb->add_option("file", arguments->input, "text file, or - for standard input")
      ->capture_default_str();
  verb->add_flag("--pieces", arguments->pieces, "show each token's text beside its number");
  verb->add_flag("--json", arguments->json, "one JSON array on stdout");
  verb->footer(
      "Examples:\n"
      "  brt tokenizer encode --model books.model book.txt > book.ids\n"
      "  echo 'It was a dark night' | brt tokenizer encode --model books.model --pieces -");
  verb->callback([arguments]() { encode_verb(*arguments); });
}

void add_decode(CLI::App& tokenizer) {
  CLI::App* verb = tokenizer.add_subcommand("decode", "Turn token numbers back into the text.");
  const std::shared_ptr<DecodeArguments> arguments = std::make_shared<DecodeArguments>();
  verb->add_option("--model", arguments->model, "a SentencePiece model, or bytes")->required();
  verb->add_option("file", arguments->input,
                   "token numbers separated by spaces, or - for standard input")
      ->capture_default_str();
  verb->footer(
      "Examples:\n"
      "  brt tokenizer decode --model books.model book.ids > book.txt\n"
      "  echo '72 105' | brt tokenizer decode --model bytes -");
  verb->callback([arguments]() { decode_verb(*arguments); });
}

}  // namespace

void add_tokenizer_verb(CLI::App& app) {
  CLI::App* tokenizer = app.add_subcommand("tokenizer", "Train a tokenizer, or use one by itself.");
  tokenizer->require_subcommand(1);
  tokenizer->footer(
      "Example:\n  brt tokenizer train --input books/ --vocab 4096 --output books.model");
  add_train(*tokenizer);
  add_encode(*tokenizer);
  add_decode(*tokenizer);
}

}  // namespace brt
