// SPDX-License-Identifier: Apache-2.0
// Reads dataset.json with every field checked, and writes it.
#include "data/dataset_manifest.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/temporaries.h"
#include "config/bounded_json.h"

namespace brt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kFormatVersion = 1;
constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

[[noreturn]] void refuse(const std::string& problem) {
  throw DataError(problem, "the file is damaged: prepare the data again into a new folder");
}

const Json& field(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) {
    refuse(fmt::format("field \"{}\" is missing", key));
  }
  return object.at(key);
}

int64_t count_field(const Json& object, const char* key) {
  const Json& value = field(object, key);
  if (!value.is_number_unsigned() || value.get<uint64_t>() > (uint64_t{1} << 56)) {
    refuse(fmt::format("field \"{}\" is not a count", key));
  }
  return value.get<int64_t>();
}

std::string text_field(const Json& object, const char* key) {
  const Json& value = field(object, key);
  if (!value.is_string()) {
    refuse(fmt::format("field \"{}\" is not a string", key));
  }
  return value.get<std::string>();
}

uint64_t hash_field(const Json& object, const char* key) {
  const std::string text = text_field(object, key);
  uint64_t hash = 0;
  const std::from_chars_result result =
      std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  if (result.ec != std::errc() || hash_text(hash) != text) {
    refuse(fmt::format("field \"{}\" is not a checksum", key));
  }
  return hash;
}

ShardSummary parse_shard(const Json& object) {
  ShardSummary shard;
  shard.file = text_field(object, "file");
  if (!shard.file.starts_with("shard-") || shard.file.find('/') != std::string::npos) {
    refuse(fmt::format("\"{}\" is not the name of a shard", shard.file));
  }
  shard.checksum = hash_field(object, "checksum");
  shard.documents = count_field(object, "documents");
  shard.tokens = count_field(object, "tokens");
  shard.bytes = count_field(object, "bytes");
  shard.words = count_field(object, "words");
  return shard;
}

SplitInstallation parse_installation(const Json& object) {
  SplitInstallation installation;
  installation.split = text_field(object, "split");
  installation.folder = text_field(object, "folder");
  const Json& replaces = field(object, "replaces_tokenizer");
  if (!is_temporary_name(installation.folder) ||
      installation.folder.find('/') != std::string::npos || !replaces.is_boolean()) {
    refuse("field \"installing\" is not what brt prepare writes");
  }
  installation.replaces_tokenizer = replaces.get<bool>();
  return installation;
}

DatasetManifest parse_manifest(const Json& root) {
  const int64_t version = count_field(root, "format_version");
  if (version != kFormatVersion) {
    throw DataError(
        fmt::format("format version {}, this program reads {}", version, kFormatVersion),
        version > kFormatVersion
            ? "the folder was made by a newer brt: use that one, or prepare the data again"
            : "prepare the data again into a new folder");
  }
  DatasetManifest manifest;
  manifest.tokenizer_kind = text_field(root, "tokenizer");
  if (manifest.tokenizer_kind != "bytes" && manifest.tokenizer_kind != "sentencepiece") {
    refuse(fmt::format("unknown tokenizer \"{}\"", manifest.tokenizer_kind));
  }
  manifest.vocab_size = count_field(root, "vocab_size");
  manifest.tokenizer_fingerprint = hash_field(root, "tokenizer_fingerprint");
  const Json& splits = field(root, "splits");
  if (!splits.is_object()) {
    refuse("field \"splits\" is not an object");
  }
  for (const Json::object_t::value_type& split : splits.get_ref<const Json::object_t&>()) {
    check_split_name(split.first);
    const Json& shards = field(split.second, "shards");
    if (!shards.is_array() || shards.empty()) {
      refuse(fmt::format("split \"{}\" has no list of shards", split.first));
    }
    for (const Json& shard : shards) {
      manifest.splits[split.first].push_back(parse_shard(shard));
    }
  }
  if (root.contains("installing")) {
    manifest.installing = parse_installation(root.at("installing"));
    if (!manifest.splits.contains(manifest.installing->split)) {
      refuse("field \"installing\" names a split that is not there");
    }
  }
  return manifest;
}

}  // namespace

std::filesystem::path manifest_path(const std::filesystem::path& folder) {
  return folder / "dataset.json";
}

void check_split_name(const std::string& name) {
  if (name.empty() || name.size() > 100 || name.find_first_not_of(kLetters) != std::string::npos) {
    throw ConfigError(fmt::format("split name \"{}\" must be of letters, digits, - and _", name));
  }
}

std::filesystem::path split_folder(const std::filesystem::path& folder,
                                   const DatasetManifest& manifest,
                                   const std::string& split) {
  if (manifest.installing && manifest.installing->split == split &&
      name_exists(folder / manifest.installing->folder)) {
    return folder / manifest.installing->folder;
  }
  return folder / split;
}

DatasetManifest read_manifest(const std::filesystem::path& folder) {
  const std::filesystem::path path = manifest_path(folder);
  std::error_code error;
  if (!name_exists(folder) || !std::filesystem::is_directory(folder, error)) {
    throw FileAbsent(fmt::format("{}: no such folder of prepared data", folder.string()),
                     "make it with: brt prepare --input PATH --output " + folder.string());
  }
  if (!name_exists(path)) {
    throw FileAbsent(
        fmt::format("{}: has no dataset.json, so it is not prepared data", folder.string()),
        "make it with: brt prepare --input PATH --output DIR");
  }
  const std::string text = read_file(path);
  constexpr const char* kDamagedHint =
      "the file is damaged: prepare the data again into a new folder";
  Json root;
  try {
    root = parse_bounded_json<Json>(text);
  } catch (const DataError& problem) {
    throw DataError(fmt::format("{}: is {}", path.string(), problem.what()), kDamagedHint);
  }
  try {
    return parse_manifest(root);
  } catch (const nlohmann::json::exception& problem) {
    throw DataError(fmt::format("{}: is damaged: {}", path.string(), problem.what()), kDamagedHint);
  } catch (const Error& problem) {
    throw DataError(fmt::format("{}: {}", path.string(), problem.what()));
  }
}

void write_manifest(const std::filesystem::path& folder, const DatasetManifest& manifest) {
  Json root;
  root["format_version"] = kFormatVersion;
  root["tokenizer"] = manifest.tokenizer_kind;
  root["vocab_size"] = manifest.vocab_size;
  root["tokenizer_fingerprint"] = hash_text(manifest.tokenizer_fingerprint);
  root["splits"] = Json::object();
  for (const std::pair<const std::string, std::vector<ShardSummary>>& split : manifest.splits) {
    Json shards = Json::array();
    for (const ShardSummary& shard : split.second) {
      shards.push_back({{"file", shard.file},
                        {"checksum", hash_text(shard.checksum)},
                        {"documents", shard.documents},
                        {"tokens", shard.tokens},
                        {"bytes", shard.bytes},
                        {"words", shard.words}});
    }
    root["splits"][split.first]["shards"] = std::move(shards);
  }
  if (manifest.installing) {
    root["installing"] = {{"split", manifest.installing->split},
                          {"folder", manifest.installing->folder},
                          {"replaces_tokenizer", manifest.installing->replaces_tokenizer}};
  }
  write_file_atomically(manifest_path(folder), root.dump(2) + "\n");
}

}  // namespace brt
