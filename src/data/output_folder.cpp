// SPDX-License-Identifier: Apache-2.0
// A split is made in a folder with a temporary name, named by dataset.json, then moved.
#include "data/output_folder.h"

#include <exception>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/temporaries.h"

namespace brt {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLockName = ".lock";
constexpr const char* kTokenizerName = "tokenizer.model";
// Folders of versions of brt that had no better temporary names.
constexpr std::string_view kOldPrefix = ".partial-";
constexpr std::string_view kOldAsidePrefix = ".partial-old-";

void rename_or_throw(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    throw_unwritable(to, "cannot be put in place", error.value());
  }
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(fs::symlink_status(path, error));
}

/// Whether a name is one that brt gives to a file in a split's folder.
bool is_split_file(const std::string& name) {
  return (name.starts_with("shard-") &&
          (name.ends_with(".brt") || name.find(".brt.partial-") != std::string::npos)) ||
         is_temporary_name(name);
}

/// An entry that is no file of a split; none if the folder is brt's own.
std::optional<fs::path> foreign_entry(const fs::path& folder) {
  for (const fs::path& entry : folder_entries(folder)) {
    const std::string name = entry.filename().string();
    if (is_folder(entry) || !(is_split_file(name) || name == kTokenizerName)) {
      return entry;
    }
  }
  return std::nullopt;
}

/// Whether an entry of the output folder is an unfinished or replaced split, of which nothing is
/// needed: the lock of the folder is held, so nobody is at work on it.
bool is_dead_split(const fs::path& entry) {
  const std::string name = entry.filename().string();
  const bool is_old = name.starts_with(kOldPrefix) && !name.starts_with(kOldAsidePrefix);
  return (is_temporary_name(name) || is_old) && is_folder(entry) && !foreign_entry(entry);
}

/// As much of it as the system lets go.
void remove_split_folder(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::path& entry : folder_entries(folder)) {
    fs::remove(entry, ignored);
  }
  fs::remove(folder, ignored);
}

std::string tokenizer_text(const fs::path& folder) {
  const fs::path path = folder / kTokenizerName;
  return name_exists(path) ? read_file(path) : "";
}

}  // namespace

OutputFolder::OutputFolder(const fs::path& path) : path_(path), new_folders_(path) {
  try {
    made_lock_ = !name_exists(path_ / kLockName);
    lock_ = std::make_unique<FileLock>(path_ / kLockName);
    has_manifest_ = name_exists(manifest_path(path_));
    if (has_manifest_) {
      manifest_ = read_manifest(path_);
    } else {
      check_contents();
    }
    if (manifest_.installing) {
      finish_installation();
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
    if (!unfinished_.empty() && !is_named_on_disk()) {
      fs::remove_all(path_ / unfinished_, ignored);
    }
    if (made_lock_) {
      fs::remove(path_ / kLockName, ignored);  // while it is held, so that no other lock is lost
    }
  }
  new_folders_.remove_empty();
}

/// Whether dataset.json names the folder of begin_split(), so that it must stay; if it cannot be
/// read, it may.
bool OutputFolder::is_named_on_disk() const {
  try {
    const DatasetManifest now = read_manifest(path_);
    return now.installing && now.installing->folder == unfinished_;
  } catch (const FileAbsent&) {
    return false;
  } catch (const Error&) {
    return true;
  }
}

/// Without a dataset.json, only what a run leaves that was killed before it wrote one is brt's.
void OutputFolder::check_contents() const {
  for (const fs::path& entry : folder_entries(path_)) {
    const std::string name = entry.filename().string();
    const bool is_ours = name == kLockName || name == kTokenizerName || is_dead_split(entry) ||
                         (is_temporary_name(name) && !is_folder(entry));
    if (!is_ours) {
      throw DataError(
          fmt::format("{}: holds other files than prepared data, {} for one", path_.string(), name),
          "give a new or empty folder as --output");
    }
  }
}

/// What cannot be removed is in nobody's way: the next run tries again.
void OutputFolder::remove_leftovers() const noexcept {
  remove_dead_temporaries(path_);
  try {
    for (const fs::path& entry : folder_entries(path_)) {
      std::error_code error;
      if (is_dead_split(entry)) {
        remove_split_folder(entry);
      } else if (is_temporary_name(entry.filename().string()) && fs::is_symlink(entry, error)) {
        fs::remove(entry, error);  // a split that was a link to another disk; its target stays
      }
    }
  } catch (const std::exception&) {
    return;
  }
}

void OutputFolder::check_split(const std::string& split, const Tokenizer& tokenizer) const {
  check_tokenizer(split, tokenizer);
  const fs::path place = path_ / split;
  if (!name_exists(place)) {
    return;
  }
  std::error_code error;
  const bool is_ours = manifest_.splits.contains(split) && fs::is_directory(place, error);
  const std::optional<fs::path> foreign = is_ours ? foreign_entry(place) : place;
  if (foreign) {
    throw DataError(fmt::format("{}: is there, and not made by brt prepare (dataset.json does not "
                                "name it)",
                                foreign->string()),
                    "move it away, or give another --split or --output");
  }
}

void OutputFolder::check_tokenizer(const std::string& split, const Tokenizer& tokenizer) const {
  const bool is_ours = has_manifest_ && manifest_.tokenizer_kind != "bytes";
  if (!is_ours && name_exists(path_ / kTokenizerName) &&
      tokenizer_text(path_) != tokenizer.serialized()) {
    throw DataError(fmt::format("{}: is another tokenizer than the one given, and not made by brt "
                                "prepare",
                                (path_ / kTokenizerName).string()),
                    "move it away, give it as --tokenizer, or give another --output");
  }
  if (tokenizer.fingerprint() == manifest_.tokenizer_fingerprint) {
    return;
  }
  for (const auto& [other, shards] : manifest_.splits) {
    if (other != split) {
      throw DataError(
          fmt::format("{}: split \"{}\" was made with another tokenizer ({}, fingerprint {}) than "
                      "the one given ({}, fingerprint {})",
                      path_.string(), other, manifest_.tokenizer_kind,
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
  const std::string name = temporary_name(split, longest_name(path_));
  std::error_code error;
  fs::create_directory(path_ / name, error);
  if (error) {
    throw_unwritable(path_ / name, "folder cannot be made", error.value());
  }
  unfinished_ = name;
  return path_ / name;
}

void OutputFolder::install_split(const std::string& split,
                                 const std::vector<ShardSummary>& shards,
                                 const Tokenizer& tokenizer) {
  DatasetManifest manifest = manifest_;
  manifest.tokenizer_kind = tokenizer.kind();
  manifest.vocab_size = tokenizer.vocab_size();
  manifest.tokenizer_fingerprint = tokenizer.fingerprint();
  manifest.splits[split] = shards;
  manifest.installing = {.split = split,
                         .folder = unfinished_,
                         .replaces_tokenizer = tokenizer_text(path_) != tokenizer.serialized()};
  if (manifest.installing->replaces_tokenizer && !tokenizer.serialized().empty()) {
    write_file_atomically(path_ / unfinished_ / kTokenizerName, tokenizer.serialized());
  }
  sync_folder(path_ / unfinished_);
  sync_folder(path_);
  write_manifest(path_, manifest);
  keep_ = true;
  manifest_ = std::move(manifest);
  finish_installation();
}

/// Every step can be repeated, and begins only when the ones before it are on the disk.
void OutputFolder::finish_installation() {
  const SplitInstallation now = *manifest_.installing;
  const fs::path made = path_ / now.folder;
  const fs::path place = path_ / now.split;
  if (name_exists(made)) {
    if (now.replaces_tokenizer && manifest_.tokenizer_kind == "bytes") {
      std::error_code error;
      if (!fs::remove(path_ / kTokenizerName, error) && error) {
        throw_unwritable(path_ / kTokenizerName, "cannot be removed", error.value());
      }
    } else if (now.replaces_tokenizer && name_exists(made / kTokenizerName)) {
      rename_or_throw(made / kTokenizerName, path_ / kTokenizerName);
    }
    if (name_exists(place)) {
      if (const std::optional<fs::path> foreign = foreign_entry(place)) {
        throw DataError(fmt::format("{}: is in the place of a split", foreign->string()),
                        "move it away and run the command again");
      }
      rename_or_throw(place, path_ / temporary_name(now.split, longest_name(path_)));
    }
    rename_or_throw(made, place);
    sync_folder(path_);
  }
  manifest_.installing.reset();
  write_manifest(path_, manifest_);
  remove_leftovers();
}

}  // namespace brt
