// SPDX-License-Identifier: Apache-2.0
// Opens a folder of prepared data and its splits.
#include "data/prepared_data.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/nearest_name.h"
#include "data/dataset_manifest.h"
#include "data/shard.h"

namespace brt {
namespace {

/// The folder's tokenizer, which may have to be moved to its place still (see SplitInstallation).
std::unique_ptr<Tokenizer> load_dataset_tokenizer(const std::filesystem::path& folder,
                                                  const DatasetManifest& manifest) {
  if (manifest.installing && manifest.installing->replaces_tokenizer) {
    const std::filesystem::path made = folder / manifest.installing->folder;
    if (manifest.tokenizer_kind == "bytes") {
      return load_tokenizer("bytes");
    }
    if (name_exists(made / "tokenizer.model")) {
      return load_folder_tokenizer(made);
    }
  }
  return load_folder_tokenizer(folder);
}

}  // namespace

struct PreparedSplit::Impl {
  std::vector<Shard> shards;
  std::vector<int64_t> first_document;  ///< of each shard
  int64_t documents = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;
  int64_t words = 0;
  uint64_t fingerprint = 0;

  /// The shard that holds a document. @throws DataError if there is no such document.
  size_t shard_of(int64_t document) const {
    if (document < 0 || document >= documents) {
      throw DataError(fmt::format("document {} asked for, the split has {}", document, documents));
    }
    const std::vector<int64_t>::const_iterator after =
        std::upper_bound(first_document.begin(), first_document.end(), document);
    return static_cast<size_t>(after - first_document.begin()) - 1;
  }
  const DocumentInfo& info(int64_t document) const {
    const size_t shard = shard_of(document);
    return shards[shard].documents()[static_cast<size_t>(document - first_document[shard])];
  }
};

PreparedSplit::PreparedSplit(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreparedSplit::PreparedSplit(PreparedSplit&&) noexcept = default;
PreparedSplit& PreparedSplit::operator=(PreparedSplit&&) noexcept = default;
PreparedSplit::~PreparedSplit() = default;

int64_t PreparedSplit::num_documents() const { return impl_->documents; }
int64_t PreparedSplit::total_tokens() const { return impl_->tokens; }
int64_t PreparedSplit::total_bytes() const { return impl_->bytes; }
int64_t PreparedSplit::total_words() const { return impl_->words; }
uint64_t PreparedSplit::fingerprint() const { return impl_->fingerprint; }

const DocumentInfo& PreparedSplit::document(int64_t index) const { return impl_->info(index); }

void PreparedSplit::read(int64_t document, int64_t from, std::span<int32_t> out) const {
  const size_t shard = impl_->shard_of(document);
  const int64_t tokens = impl_->info(document).tokens;
  const int64_t count = static_cast<int64_t>(out.size());
  if (from < 0 || count > tokens || from > tokens - count) {
    throw DataError(fmt::format("tokens {} to {} asked for, document {} has {}", from, from + count,
                                document, tokens));
  }
  impl_->shards[shard].read(document - impl_->first_document[shard], from, out);
}

PreparedData::PreparedData(const std::filesystem::path& folder)
    : folder_(folder), manifest_(std::make_shared<DatasetManifest>(read_manifest(folder))) {}

int64_t PreparedData::vocab_size() const { return manifest_->vocab_size; }
std::string PreparedData::tokenizer_kind() const { return manifest_->tokenizer_kind; }

std::vector<std::string> PreparedData::split_names() const {
  std::vector<std::string> names;
  for (const std::pair<const std::string, std::vector<ShardSummary>>& split : manifest_->splits) {
    names.push_back(split.first);
  }
  return names;
}

std::unique_ptr<Tokenizer> PreparedData::tokenizer() const {
  std::unique_ptr<Tokenizer> tokenizer = load_dataset_tokenizer(folder_, *manifest_);
  if (tokenizer->fingerprint() != manifest_->tokenizer_fingerprint) {
    throw DataError(
        fmt::format("{}: its tokenizer ({}, fingerprint {}) is not the one that made "
                    "the data ({}, fingerprint {})",
                    folder_.string(), tokenizer->kind(), hash_text(tokenizer->fingerprint()),
                    manifest_->tokenizer_kind, hash_text(manifest_->tokenizer_fingerprint)),
        "put the right tokenizer.model back, or prepare the data again");
  }
  return tokenizer;
}

PreparedSplit PreparedData::open_split(const std::string& name) const {
  const std::map<std::string, std::vector<ShardSummary>>::const_iterator found =
      manifest_->splits.find(name);
  if (found == manifest_->splits.end()) {
    const std::vector<std::string> names = split_names();
    const std::string nearest = nearest_name(name, names);
    throw DataError(fmt::format("{}: has no split \"{}\"; it has: {}", folder_.string(), name,
                                fmt::join(names, ", ")),
                    nearest.empty() ? "" : fmt::format("did you mean {}?", nearest));
  }
  std::unique_ptr<PreparedSplit::Impl> split = std::make_unique<PreparedSplit::Impl>();
  std::string checksums;
  for (const ShardSummary& expected : found->second) {
    const std::filesystem::path path = split_folder(folder_, *manifest_, name) / expected.file;
    if (!name_exists(path)) {
      throw DataError(fmt::format("{}: the shard is missing", path.string()),
                      "make the split again with brt prepare");
    }
    Shard shard(path);
    if (shard.summary() != expected || shard.vocab_size() != manifest_->vocab_size) {
      throw DataError(
          fmt::format("{}: checksum {} and {} tokens, dataset.json expects {} and {}",
                      path.string(), hash_text(shard.summary().checksum), shard.summary().tokens,
                      hash_text(expected.checksum), expected.tokens),
          "the file belongs to another data set: make the split again with brt prepare");
    }
    checksums += hash_text(expected.checksum);
    split->first_document.push_back(split->documents);
    split->documents += expected.documents;
    split->tokens += expected.tokens;
    split->bytes += expected.bytes;
    split->words += expected.words;
    split->shards.push_back(std::move(shard));
  }
  split->fingerprint = hash_bytes(checksums);
  return PreparedSplit(std::move(split));
}

}  // namespace brt
