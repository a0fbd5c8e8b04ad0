// SPDX-License-Identifier: Apache-2.0
// A folder of tokenized documents, made by `brt prepare`: splits of shards beside their tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "data/passed_over.h"
#include "text/tokenizer.h"

namespace brt {

struct DatasetManifest;

/// One document of a split.
struct DocumentInfo {
  std::string name;
  int64_t tokens = 0;  ///< its document_end included
  int64_t bytes = 0;   ///< of the original text
  int64_t words = 0;   ///< whitespace-separated, of the original text
};

/// One split, opened for reading: memory-mapped shards, verified by hash when opened.
class PreparedSplit {
 public:
  PreparedSplit(PreparedSplit&&) noexcept;
  PreparedSplit& operator=(PreparedSplit&&) noexcept;
  ~PreparedSplit();

  int64_t num_documents() const;
  const DocumentInfo& document(int64_t index) const;
  /// Copies tokens [from, from + out.size()) of a document; the range must lie in the document.
  void read(int64_t document, int64_t from, std::span<int32_t> out) const;
  int64_t total_tokens() const;
  int64_t total_bytes() const;
  int64_t total_words() const;
  /// Hash over all shards: the identity of the data, kept in checkpoints.
  uint64_t fingerprint() const;

 private:
  friend class PreparedData;
  struct Impl;
  explicit PreparedSplit(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The folder as a whole.
class PreparedData {
 public:
  /// @throws DataError if the folder is missing or was not made by `brt prepare` (with a hint).
  explicit PreparedData(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  std::vector<std::string> split_names() const;
  int64_t vocab_size() const;
  std::string tokenizer_kind() const;
  /// @throws DataError if the folder's tokenizer is not the one that made its tokens.
  std::unique_ptr<Tokenizer> tokenizer() const;
  /// Opens a split and verifies its shards. @throws DataError naming the file and what is wrong
  /// with it, or the splits there are.
  PreparedSplit open_split(const std::string& name) const;

 private:
  std::filesystem::path folder_;
  std::shared_ptr<const DatasetManifest> manifest_;
};

struct PrepareOptions {
  std::vector<std::string> inputs;
  std::filesystem::path output;
  std::string split = "train";
  std::string tokenizer = "bytes";  ///< or a .model file
  int64_t shard_tokens = int64_t{1}
                         << 27;  ///< a shard is closed at the first document end after this
};

struct PrepareProgress {
  int64_t documents = 0;
  int64_t bytes = 0;
  int64_t words = 0;
  int64_t tokens = 0;
  uint64_t input_bytes_read = 0;
  PassedOver passed_over;  ///< known at the end only
};

/// Tokenizes documents into `output`/`split`, in memory that does not grow with the input. The
/// split appears whole or not at all; an existing split of that name is replaced; another tokenizer
/// than the folder's other splits use is an error. Empty documents are passed over.
/// @param on_warning  is told what open_documents() doubts
/// @throws DataError as open_documents does, and if no document has any text.
PrepareProgress prepare_split(const PrepareOptions& options,
                              const std::function<void(const PrepareProgress&)>& on_progress,
                              const std::function<void(const std::string&)>& on_warning = nullptr);

}  // namespace brt
