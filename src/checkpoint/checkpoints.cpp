// SPDX-License-Identifier: Apache-2.0
// Names and manifests of checkpoints.
#include "checkpoint/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "config/bounded_json.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kManifestName = "manifest.json";
constexpr int64_t kManifestVersion = 1;
constexpr std::string_view kStepPrefix = "step-";

struct ManifestEntry {
  uint64_t bytes = 0;
  std::string xxh3;
};
using Manifest = std::map<std::string, ManifestEntry>;

std::optional<int64_t> parse_step_name(const std::string& name) {
  if (!name.starts_with(kStepPrefix)) {
    return std::nullopt;
  }
  const char* begin = name.data() + kStepPrefix.size();
  const char* end = name.data() + name.size();
  int64_t step = 0;
  const std::from_chars_result result = std::from_chars(begin, end, step);
  const bool is_whole = result.ec == std::errc() && result.ptr == end && step >= 0;
  return is_whole && checkpoint_name(step) == name ? std::optional<int64_t>(step) : std::nullopt;
}

/// Thrown where a look ends, and caught by finding_of; never leaves this file.
struct LookEnded {
  CheckpointFinding finding;
};

[[noreturn]] void end_look(CheckpointCondition condition, const std::string& reason) {
  throw LookEnded{{.condition = condition, .reason = reason}};
}

/// The status of a path. "Not found" is one; that the system does not tell, or that a link leads
/// nowhere (its disk may only not be mounted), ends the look.
fs::file_status status_of(const fs::path& path, const std::string& name) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  std::error_code ignored;
  const bool is_link = fs::is_symlink(fs::symlink_status(path, ignored));
  if (!fs::status_known(status) || (!fs::exists(status) && is_link)) {
    end_look(CheckpointCondition::kUnreadable,
             fmt::format("{} cannot be read: {}{}", name, is_link ? "it is a link: " : "",
                         error.message()));
  }
  return status;
}

/// An error's first line.
std::string without_hint(const std::string& message) {
  return message.substr(0, message.find('\n'));
}

/// What `look` ends with; an error of the file system is no damage.
template <class Look>
CheckpointFinding finding_of(Look&& look) {
  try {
    look();
    return {};
  } catch (const LookEnded& ended) {
    return ended.finding;
  } catch (const FileAbsent& error) {  // gone since it was looked at
    return {.condition = CheckpointCondition::kDamaged, .reason = without_hint(error.what())};
  } catch (const DataError& error) {
    return {.condition = CheckpointCondition::kUnreadable, .reason = without_hint(error.what())};
  } catch (const fs::filesystem_error& error) {
    return {.condition = CheckpointCondition::kUnreadable, .reason = error.what()};
  }
}

bool lies_inside(const std::string& name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() && !name.starts_with("..") &&
         path.lexically_normal() == path;
}

Manifest parse_manifest(const std::string& text) {
  const json root = try_bounded_json<json>(text).value_or(json());
  if (!root.is_object() || !root.contains("format_version") ||
      !root.at("format_version").is_number_integer()) {
    end_look(CheckpointCondition::kDamaged, "manifest.json is damaged");
  }
  // Before all else: a later format may hold other things.
  const int64_t version = root.at("format_version").get<int64_t>();
  if (version > kManifestVersion) {
    end_look(CheckpointCondition::kNewer,
             fmt::format("manifest.json is of format version {}, this program knows version {}",
                         version, kManifestVersion));
  }
  if (version != kManifestVersion || !root.contains("files") || !root.at("files").is_object()) {
    end_look(CheckpointCondition::kDamaged, "manifest.json is damaged");
  }
  Manifest manifest;
  for (const auto& [name, file] : root.at("files").items()) {
    const bool is_complete = file.is_object() && file.contains("bytes") &&
                             file.at("bytes").is_number_unsigned() && file.contains("xxh3") &&
                             file.at("xxh3").is_string();
    if (!is_complete || !lies_inside(name)) {
      end_look(CheckpointCondition::kDamaged, "manifest.json is damaged");
    }
    manifest[name] = {.bytes = file.at("bytes").get<uint64_t>(),
                      .xxh3 = file.at("xxh3").get<std::string>()};
  }
  return manifest;
}

bool has_manifest(const fs::path& folder) {
  return fs::is_regular_file(status_of(folder / kManifestName, kManifestName));
}

void check_file(const fs::path& folder, const std::string& name, const ManifestEntry& entry) {
  const fs::path path = folder / name;
  if (!fs::is_regular_file(status_of(path, name))) {
    end_look(CheckpointCondition::kDamaged, fmt::format("{} is missing", name));
  }
  const uint64_t bytes = fs::file_size(path);
  if (bytes != entry.bytes) {
    end_look(CheckpointCondition::kDamaged,
             fmt::format("{} has {} bytes, the manifest says {}", name, bytes, entry.bytes));
  }
  const std::string xxh3 = hash_text(hash_file(path));
  if (xxh3 != entry.xxh3) {
    end_look(CheckpointCondition::kDamaged,
             fmt::format("{} has checksum {}, the manifest says {}", name, xxh3, entry.xxh3));
  }
}

/// The folders checkpoints/step-*, in no order.
std::vector<fs::path> read_checkpoints_folder(const fs::path& parent) {
  std::vector<fs::path> entries;
  try {
    entries = folder_entries(parent);
  } catch (const DataError& error) {
    const std::string message = without_hint(error.what());
    end_look(CheckpointCondition::kUnreadable, message.substr(message.rfind(": ") + 2));
  }
  std::erase_if(entries, [](const fs::path& path) {
    const std::string name = path.filename().string();
    return !parse_step_name(name) || !fs::is_directory(status_of(path, name));
  });
  return entries;
}

}  // namespace

std::string checkpoint_name(int64_t step) { return fmt::format("{}{:08d}", kStepPrefix, step); }

void write_manifest(const fs::path& folder, const WrittenFiles& files) {
  json entries = json::object();
  for (const auto& [name, file] : files) {
    const ManifestEntry entry = {.bytes = file.bytes, .xxh3 = hash_text(file.xxh3)};
    const CheckpointFinding finding = finding_of([&] { check_file(folder, name, entry); });
    if (finding.condition != CheckpointCondition::kSound) {
      throw CheckpointError(fmt::format("{}: does not read back as it was written: {}",
                                        folder.string(), finding.reason),
                            "the disk or the memory of this machine may be failing");
    }
    entries[name] = {{"bytes", entry.bytes}, {"xxh3", entry.xxh3}};
  }
  const json root = {{"format_version", kManifestVersion}, {"files", entries}};
  write_file_atomically(folder / kManifestName, root.dump(2) + "\n");
}

CheckpointFinding examine_checkpoint(const fs::path& folder) {
  return finding_of([&] {
    if (!has_manifest(folder)) {
      end_look(CheckpointCondition::kDamaged, fmt::format("{} is missing", kManifestName));
    }
    for (const auto& [name, entry] : parse_manifest(read_file(folder / kManifestName))) {
      check_file(folder, name, entry);
    }
  });
}

CheckpointFinding examine_checkpoint_file(const fs::path& folder, const std::string& name) {
  return finding_of([&] {
    if (!has_manifest(folder)) {
      return;
    }
    const Manifest manifest = parse_manifest(read_file(folder / kManifestName));
    const Manifest::const_iterator entry = manifest.find(name);
    if (entry != manifest.end()) {
      check_file(folder, name, entry->second);
    }
  });
}

void refuse_checkpoint(const fs::path& folder, const CheckpointFinding& finding) {
  switch (finding.condition) {
    case CheckpointCondition::kNewer:
      throw CheckpointError(fmt::format("{}: {}", folder.string(), finding.reason),
                            "a later version of brt wrote it: use that one");
    case CheckpointCondition::kUnreadable:
      throw CheckpointError(
          fmt::format("{}: cannot be read: {}", folder.string(), finding.reason),
          "this is no damage: mend the permissions or the disk and run the command again; to use "
          "an older checkpoint all the same, move this one to another folder");
    default:
      throw CheckpointError(fmt::format("{}: is damaged: {}", folder.string(), finding.reason),
                            "use another checkpoint of the run");
  }
}

std::optional<std::string> checkpoint_damage(const fs::path& folder) {
  const CheckpointFinding finding = examine_checkpoint(folder);
  return finding.condition == CheckpointCondition::kSound
             ? std::nullopt
             : std::optional<std::string>(finding.reason);
}

std::vector<fs::path> list_checkpoints(const fs::path& run_folder) {
  const fs::path parent = run_folder / "checkpoints";
  std::vector<fs::path> folders;
  const CheckpointFinding finding = finding_of([&] {
    if (fs::exists(status_of(parent, parent.filename().string()))) {
      folders = read_checkpoints_folder(parent);
    }
  });
  if (finding.condition != CheckpointCondition::kSound) {
    throw CheckpointError(
        fmt::format("{}: cannot be read: {}", parent.string(), finding.reason),
        "what lies there is not touched: mend the permissions or the disk and run the command "
        "again");
  }
  std::ranges::sort(folders, {}, checkpoint_step);
  return folders;
}

std::optional<fs::path> newest_checkpoint(const fs::path& run_folder,
                                          std::vector<DamagedCheckpoint>* damaged) {
  std::vector<fs::path> folders = list_checkpoints(run_folder);
  std::ranges::reverse(folders);
  for (const fs::path& folder : folders) {
    const CheckpointFinding finding = examine_checkpoint(folder);
    if (finding.condition == CheckpointCondition::kSound) {
      return folder;
    }
    if (finding.condition != CheckpointCondition::kDamaged) {
      refuse_checkpoint(folder, finding);
    }
    if (damaged != nullptr) {
      damaged->push_back({.folder = folder, .reason = finding.reason});
    }
  }
  return std::nullopt;
}

void warn_of_damage(const std::vector<DamagedCheckpoint>& damaged,
                    const fs::path& taken,
                    const CheckpointWarning& on_warning) {
  for (const DamagedCheckpoint& checkpoint : damaged) {
    if (on_warning) {
      on_warning(fmt::format("{}: damaged, {} is used: {}", checkpoint.folder.string(),
                             taken.filename().string(), checkpoint.reason));
    }
  }
}

bool is_checkpoint_name(const std::string& name) { return parse_step_name(name).has_value(); }

int64_t checkpoint_step(const fs::path& folder) {
  // A path given with a slash at its end has an empty last part.
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  const std::optional<int64_t> step = parse_step_name(named.filename().string());
  if (!step) {
    throw CheckpointError(fmt::format("{}: is not named as a checkpoint is", folder.string()),
                          "checkpoints are folders such as checkpoints/step-00000500");
  }
  return *step;
}

}  // namespace brt
