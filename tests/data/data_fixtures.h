// SPDX-License-Identifier: Apache-2.0
// Folders, archives and small data sets for the tests of src/data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>

#include "data/dataset_manifest.h"
#include "data/document_source.h"
#include "data/shard.h"
#include "data/stream_decoder.h"

namespace brt::testing {

/// A folder that is removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "brt-data-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("no temporary folder");
    }
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::filesystem::remove(path);  // some file systems flush a file that is written over
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.flush()) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

using brt::Compression;

inline void add_filter(archive* writer, Compression compression) {
  switch (compression) {
    case Compression::kNone:
      break;
    case Compression::kGzip:
      archive_write_add_filter_gzip(writer);
      break;
    case Compression::kZstd:
      archive_write_add_filter_zstd(writer);
      break;
    case Compression::kXz:
      archive_write_add_filter_xz(writer);
      break;
    case Compression::kBzip2:
      archive_write_add_filter_bzip2(writer);
      break;
  }
}

/// An archive of regular files, or with `raw` one compressed file. The names of links are followed
/// by " -> " and what they lead to ("hard" or "symbolic" as their text). Zip and 7z by the name.
inline void write_archive(const std::filesystem::path& path,
                          const std::vector<std::pair<std::string, std::string>>& files,
                          Compression compression,
                          bool raw = false) {
  archive* writer = archive_write_new();
  add_filter(writer, compression);
  if (raw) {
    archive_write_set_format_raw(writer);
  } else if (path.extension() == ".zip") {
    archive_write_set_format_zip(writer);
  } else if (path.extension() == ".7z") {
    archive_write_set_format_7zip(writer);
  } else {
    archive_write_set_format_pax_restricted(writer);
  }
  const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);  // for names
  const locale_t before = ::uselocale(utf8);
  bool good = archive_write_open_filename(writer, path.c_str()) == ARCHIVE_OK;
  for (const std::pair<std::string, std::string>& file : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, file.first.c_str());
    const bool is_folder = file.first.ends_with('/');
    archive_entry_set_filetype(entry, is_folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, is_folder ? 0755 : 0644);
    const size_t arrow = file.first.find(" -> ");
    const size_t size = arrow == std::string::npos ? file.second.size() : 0;
    if (arrow != std::string::npos) {
      archive_entry_set_pathname(entry, file.first.substr(0, arrow).c_str());
      const std::string target = file.first.substr(arrow + 4);
      if (file.second == "hard") {
        archive_entry_set_hardlink(entry, target.c_str());
      } else {
        archive_entry_set_filetype(entry, AE_IFLNK);
        archive_entry_set_symlink(entry, target.c_str());
      }
    }
    archive_entry_set_size(entry, static_cast<int64_t>(size));
    good = good && archive_write_header(writer, entry) == ARCHIVE_OK;
    good = good &&
           archive_write_data(writer, file.second.data(), size) == static_cast<la_ssize_t>(size);
    archive_entry_free(entry);
  }
  good = good && archive_write_close(writer) == ARCHIVE_OK;
  archive_write_free(writer);
  ::uselocale(before);
  ::freelocale(utf8);
  if (!good) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

using Documents = std::vector<std::pair<std::string, std::string>>;

/// What is said and counted while inputs are read.
struct ReadingNotes {
  PassedOver passed_over;
  std::vector<std::string> warnings;
};

/// Every document of the inputs, read in parts of `part` bytes.
inline Documents read_documents(const std::vector<std::string>& inputs,
                                size_t part = 1000,
                                ReadingNotes* notes = nullptr) {
  ReadingNotes own;
  ReadingNotes& kept = notes == nullptr ? own : *notes;
  const std::unique_ptr<DocumentSource> source =
      open_documents(inputs, kept.passed_over,
                     [&](const std::string& warning) { kept.warnings.push_back(warning); });
  Documents documents;
  std::string buffer(part, '\0');
  while (const std::optional<std::string> name = source->next_document()) {
    std::string text;
    while (const size_t size = source->read(buffer.data(), buffer.size())) {
      text.append(buffer, 0, size);
    }
    documents.emplace_back(*name, text);
  }
  return documents;
}

inline std::vector<std::string> texts_of(const Documents& documents) {
  std::vector<std::string> texts;
  for (const std::pair<std::string, std::string>& document : documents) {
    texts.push_back(document.second);
  }
  return texts;
}

/// A data set with one split "train" of these token documents, `documents_per_shard` a shard.
inline void write_dataset(const std::filesystem::path& folder,
                          const std::vector<std::vector<int32_t>>& documents,
                          int64_t vocab_size,
                          size_t documents_per_shard = 3) {
  std::filesystem::create_directories(folder / "train");
  DatasetManifest manifest;
  manifest.tokenizer_kind = "bytes";
  manifest.vocab_size = vocab_size;
  std::vector<ShardSummary>& shards = manifest.splits["train"];
  for (size_t first = 0; first < documents.size(); first += documents_per_shard) {
    ShardWriter writer(folder / "train" / ("shard-" + std::to_string(first) + ".brt"), vocab_size);
    for (size_t i = first; i < std::min(first + documents_per_shard, documents.size()); ++i) {
      writer.append_tokens(documents[i]);
      const int64_t bytes = static_cast<int64_t>(documents[i].size()) - 1;
      writer.end_document("document " + std::to_string(i), bytes, bytes > 0 ? 1 : 0);
    }
    shards.push_back(writer.finish());
  }
  write_manifest(folder, manifest);
}

/// The message of the exception that `run` throws; a failure mark if it throws none of that type.
template <class Exception, class Run>
std::string message_of(Run run) {
  try {
    run();
  } catch (const Exception& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

}  // namespace brt::testing
