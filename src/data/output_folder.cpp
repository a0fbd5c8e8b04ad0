// SPDX-License-Identifier: Apache-2.0
// Temporary names begin with ".partial-" or hold ".partial-", and are removed under the lock.
#include "data/output_folder.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"

namespace brt {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLockName = ".lock";
constexpr const char* kTokenizerName = "tokenizer.model";

void rename_or_throw(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    throw Error(fmt::format("{}: cannot be put in place: {}", to.string(), error.message()));
  }
}

bool is_temporary(const fs::path& path) {
  return path.filename().string().find(".partial-") != std::string::npos;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    entries.push_back(entry->path());
  }
  if (error) {
    throw DataError(fmt::format("{}: folder cannot be read: {}", folder.string(), error.message()));
  }
  return entries;
}

/// Whether an entry can stem from a run that was killed before it wrote its dataset.json.
bool is_ours(const fs::path& path) {
  if (path.filename() == kLockName || path.filename() == kTokenizerName || is_temporary(path)) {
    return true;
  }
  if (!fs::is_directory(path)) {
    return false;
  }
  const std::vector<fs::path> entries = entries_of(path);
  return !entries.empty() && std::all_of(entries.begin(), entries.end(), [](const fs::path& entry) {
    return entry.extension() == ".brt";
  });
}

/// Steps that are undone in reverse unless all of them succeed.
class Undo {
 public:
  ~Undo() {
    for (size_t i = steps_.size(); i > 0; --i) {
      steps_[i - 1]();
    }
  }
  void add(std::function<void()> step) { steps_.push_back(std::move(step)); }
  void cancel() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;  ///< none of them throws
};

void write_tokenizer(const fs::path& path, const std::string& serialized) {
  if (serialized.empty()) {
    std::error_code ignored;
    fs::remove(path, ignored);
  } else {
    write_file_atomically(path, serialized);
  }
}

/// Writes or removes tokenizer.model, to be undone.
void install_tokenizer(const fs::path& path, const std::string& serialized, Undo& undo) {
  const std::string before = fs::exists(path) ? read_file(path) : "";
  if (before == serialized) {
    return;
  }
  undo.add([path, before] {
    try {
      write_tokenizer(path, before);
    } catch (const Error&) {
      // The disk refuses the old file too; the error that led here is the one to report.
    }
  });
  write_tokenizer(path, serialized);
}

}  // namespace

OutputFolder::OutputFolder(const fs::path& path) : path_(path), new_folders_(path) {
  try {
    made_lock_ = !fs::exists(path_ / kLockName);
    lock_ = std::make_unique<FileLock>(path_ / kLockName);
    if (fs::exists(manifest_path(path_))) {
      manifest_ = read_manifest(path_);
    } else {
      check_contents();
    }
    remove_leftovers();
  } catch (...) {
    remove_made();
    throw;
  }
}

OutputFolder::~OutputFolder() {
  if (!keep_) {
    remove_made();
  }
}

void OutputFolder::remove_made() {
  std::error_code ignored;
  if (lock_ != nullptr) {
    for (fs::directory_iterator entry(path_, ignored);
         !ignored && entry != fs::directory_iterator(); entry.increment(ignored)) {
      if (is_temporary(entry->path())) {
        fs::remove_all(entry->path(), ignored);
      }
    }
    if (made_lock_) {
      fs::remove(path_ / kLockName, ignored);
    }
  }
  new_folders_.remove_empty();
}

void OutputFolder::check_contents() const {
  for (const fs::path& entry : entries_of(path_)) {
    if (!is_ours(entry)) {
      throw DataError(fmt::format("{}: holds other files than prepared data, {} for one",
                                  path_.string(), entry.filename().string()),
                      "give a new or empty folder as --output");
    }
  }
}

void OutputFolder::remove_leftovers() const {
  for (const fs::path& entry : entries_of(path_)) {
    if (is_temporary(entry)) {
      std::error_code error;
      fs::remove_all(entry, error);
      if (error) {
        throw Error(fmt::format("{}: left by an interrupted run, cannot be removed: {}",
                                entry.string(), error.message()));
      }
    }
  }
}

void OutputFolder::check_tokenizer(const Tokenizer& tokenizer, const std::string& split) const {
  if (tokenizer.fingerprint() == manifest_.tokenizer_fingerprint) {
    return;
  }
  for (const std::pair<const std::string, std::vector<ShardSummary>>& other : manifest_.splits) {
    if (other.first != split) {
      throw DataError(
          fmt::format("{}: split \"{}\" was made with another tokenizer ({}, fingerprint {}) than "
                      "the one given ({}, fingerprint {})",
                      path_.string(), other.first, manifest_.tokenizer_kind,
                      hash_text(manifest_.tokenizer_fingerprint), tokenizer.kind(),
                      hash_text(tokenizer.fingerprint())),
          manifest_.tokenizer_kind == "bytes"
              ? "use --tokenizer bytes, or another output folder"
              : fmt::format("use --tokenizer {}, or another output folder",
                            (path_ / kTokenizerName).string()));
    }
  }
}

fs::path OutputFolder::begin_split(const std::string& split) {
  const fs::path folder = path_ / (".partial-" + split);
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) {
    throw Error(fmt::format("{}: folder cannot be made: {}", folder.string(), error.message()));
  }
  return folder;
}

void OutputFolder::install_split(const std::string& split,
                                 const std::vector<ShardSummary>& shards,
                                 const Tokenizer& tokenizer) {
  const fs::path made = path_ / (".partial-" + split);
  const fs::path old = path_ / (".partial-old-" + split);
  const fs::path place = path_ / split;
  DatasetManifest manifest = manifest_;
  manifest.tokenizer_kind = tokenizer.kind();
  manifest.vocab_size = tokenizer.vocab_size();
  manifest.tokenizer_fingerprint = tokenizer.fingerprint();
  manifest.splits[split] = shards;

  Undo undo;
  std::error_code ignored;
  sync_folder(made);
  if (fs::exists(place)) {
    rename_or_throw(place, old);
    undo.add([old, place] {
      std::error_code error;
      fs::rename(old, place, error);
    });
  }
  rename_or_throw(made, place);
  undo.add([made, place] {
    std::error_code error;
    fs::rename(place, made, error);
  });
  sync_folder(path_);
  install_tokenizer(path_ / kTokenizerName, tokenizer.serialized(), undo);
  write_manifest(path_, manifest);
  undo.cancel();
  keep_ = true;
  manifest_ = std::move(manifest);
  fs::remove_all(old, ignored);
}

}  // namespace brt
