// SPDX-License-Identifier: Apache-2.0
// From documents to shards, a part of a document at a time.
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "data/dataset_manifest.h"
#include "data/document_source.h"
#include "data/output_folder.h"
#include "data/prepared_data.h"
#include "data/shard.h"
#include "data/word_counter.h"
#include "text/text_chunker.h"
#include "text/tokenizer.h"

namespace brt {
namespace fs = std::filesystem;
namespace {

constexpr size_t kPartBytes = size_t{1} << 18;
constexpr int64_t kMaxShardDocuments = int64_t{1} << 18;  ///< bounds the index kept in memory

/// Writes a split's documents into one shard after another.
class SplitWriter {
 public:
  SplitWriter(const fs::path& folder, int64_t vocab_size, int64_t shard_tokens)
      : folder_(folder), vocab_size_(vocab_size), shard_tokens_(shard_tokens) {}

  void append_tokens(std::span<const int32_t> tokens) {
    if (!shard_) {
      shard_.emplace(folder_ / fmt::format("shard-{:05}.brt", summaries_.size()), vocab_size_);
    }
    shard_->append_tokens(tokens);
  }
  /// Closes a document of at least one token.
  void end_document(const std::string& name, int64_t bytes, int64_t words) {
    shard_->end_document(name, bytes, words);
    if (shard_->tokens() >= shard_tokens_ || shard_->documents() >= kMaxShardDocuments) {
      close_shard();
    }
  }
  std::vector<ShardSummary> finish() {
    if (shard_) {
      close_shard();
    }
    return std::move(summaries_);
  }

 private:
  fs::path folder_;
  int64_t vocab_size_;
  int64_t shard_tokens_;
  std::optional<ShardWriter> shard_;
  std::vector<ShardSummary> summaries_;

  void close_shard() {
    summaries_.push_back(shard_->finish());
    shard_.reset();
  }
};

/// Carries documents from a source to a writer.
class Preparation {
 public:
  Preparation(DocumentSource& source,
              PassedOver& passed_over,
              const Tokenizer& tokenizer,
              SplitWriter& writer,
              const std::function<void(const PrepareProgress&)>& on_progress)
      : source_(source),
        passed_over_(passed_over),
        tokenizer_(tokenizer),
        writer_(writer),
        on_progress_(on_progress),
        part_(kPartBytes) {}

  PrepareProgress run() {
    while (const std::optional<std::string> name = source_.next_document()) {
      write_document(*name);
    }
    progress_.passed_over = passed_over_;
    report();
    return progress_;
  }

 private:
  DocumentSource& source_;
  PassedOver& passed_over_;
  const Tokenizer& tokenizer_;
  SplitWriter& writer_;
  const std::function<void(const PrepareProgress&)>& on_progress_;
  std::vector<char> part_;
  std::vector<int32_t> tokens_;
  PrepareProgress progress_;

  void write_document(const std::string& name) {
    TextChunker chunker;
    WordCounter counter;
    int64_t bytes = 0;
    while (const size_t size = source_.read(part_.data(), part_.size())) {
      const std::string_view part(part_.data(), size);
      counter.append(part);
      chunker.append(part);
      bytes += static_cast<int64_t>(size);
      progress_.bytes += static_cast<int64_t>(size);
      write_pieces(chunker);
      report();
    }
    if (bytes == 0) {
      ++passed_over_.empty;
      return;
    }
    chunker.finish();
    write_pieces(chunker);
    tokens_.assign(1, tokenizer_.document_end());
    write_tokens();
    writer_.end_document(name, bytes, counter.words());
    progress_.words += counter.words();
    ++progress_.documents;
  }

  void write_pieces(TextChunker& chunker) {
    while (const std::optional<std::string> piece = chunker.next()) {
      tokens_.clear();
      tokenizer_.encode(*piece, tokens_);
      write_tokens();
    }
  }

  void write_tokens() {
    writer_.append_tokens(tokens_);
    progress_.tokens += static_cast<int64_t>(tokens_.size());
  }

  void report() {
    progress_.input_bytes_read = source_.input_bytes_read();
    if (on_progress_) {
      on_progress_(progress_);
    }
  }
};

bool lies_within(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

/// An output within an input folder would be read as text by the next run, and an input within the
/// output's split would be replaced by what is made of it.
void check_output_is_no_input(const PrepareOptions& options) {
  std::error_code error;
  const fs::path output = fs::weakly_canonical(options.output, error);
  for (const std::string& input : options.inputs) {
    if (input == "-") {
      continue;
    }
    const fs::path real = fs::weakly_canonical(input, error);
    if (lies_within(real, output / options.split)) {
      throw DataError(fmt::format("{}: input lies within the split that would be made, {}", input,
                                  (options.output / options.split).string()),
                      "choose another output folder");
    }
    if (fs::is_directory(real, error) && lies_within(output, real)) {
      throw DataError(fmt::format("{}: output folder lies within the input folder {}",
                                  options.output.string(), input),
                      "choose an output folder beside the input");
    }
  }
}

}  // namespace

PrepareProgress prepare_split(const PrepareOptions& options,
                              const std::function<void(const PrepareProgress&)>& on_progress,
                              const std::function<void(const std::string&)>& on_warning) {
  check_split_name(options.split);
  if (options.output.empty()) {
    throw ConfigError("no output folder given");
  }
  if (options.shard_tokens < 1) {
    throw ConfigError(fmt::format("shard_tokens must be at least 1, got {}", options.shard_tokens));
  }
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(options.tokenizer);
  PassedOver passed_over;
  const std::unique_ptr<DocumentSource> source =
      open_documents(options.inputs, passed_over, on_warning);
  check_output_is_no_input(options);

  OutputFolder output(options.output);
  output.check_split(options.split, *tokenizer);
  SplitWriter writer(output.begin_split(options.split), tokenizer->vocab_size(),
                     options.shard_tokens);
  const PrepareProgress progress =
      Preparation(*source, passed_over, *tokenizer, writer, on_progress).run();
  if (progress.documents == 0) {
    throw DataError("the inputs hold no text: every document is empty");
  }
  output.install_split(options.split, writer.finish(), *tokenizer);
  return progress;
}

}  // namespace brt
