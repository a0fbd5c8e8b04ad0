// SPDX-License-Identifier: Apache-2.0
// The model's settings as the config.json of a model folder.
#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "config/bounded_json.h"
#include "config/config_problems.h"
#include "config/enum_text.h"
#include "config/model_config.h"

namespace brt {
namespace {

constexpr const char* kArchitecture = "BlockRecurrentTransformer";
constexpr const char* kModelType = "brt";
constexpr int64_t kFormatVersion = 1;

/// Without these there is no model; everything else has a default.
constexpr std::array<std::string_view, 8> kRequiredKeys = {"vocab_size", "num_layers", "width",
                                                           "num_heads",  "head_size",  "ffn_width",
                                                           "window",     "segment"};

/// A JSON value as far as a message shows it.
std::string shown(const nlohmann::json& value) {
  constexpr size_t kMostCharacters = 60;
  const std::string text =
      value.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
  return text.size() <= kMostCharacters ? text : text.substr(0, kMostCharacters) + "...";
}

bool fits_int64(const nlohmann::json& value) {
  return value.is_number_integer() &&
         (!value.is_number_unsigned() ||
          value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
}

// Each of these stores `value` in `member`, or returns what was expected instead.

std::string store(const nlohmann::json& value, int64_t& member) {
  if (!fits_int64(value)) {
    return "a whole number";
  }
  member = value.get<int64_t>();
  return "";
}

std::string store(const nlohmann::json& value, bool& member) {
  if (!value.is_boolean()) {
    return "true or false";
  }
  member = value.get<bool>();
  return "";
}

std::string store(const nlohmann::json& value, std::vector<int64_t>& member) {
  if (!value.is_array() || !std::all_of(value.begin(), value.end(), fits_int64)) {
    return "a list of whole numbers";
  }
  member = value.get<std::vector<int64_t>>();
  return "";
}

template <class Enum>
  requires std::is_enum_v<Enum>
std::string store(const nlohmann::json& value, Enum& member) {
  std::optional<Enum> parsed;
  if (value.is_string()) {
    parsed = from_word<Enum>(value.get_ref<const std::string&>());
  }
  if (!parsed) {
    std::vector<std::string> words;
    for (const auto& [known, word] : enum_words<Enum>()) {
      words.emplace_back(word);
    }
    return alternatives_text(words);
  }
  member = *parsed;
  return "";
}

nlohmann::ordered_json as_json(int64_t value) { return value; }
nlohmann::ordered_json as_json(bool value) { return value; }
nlohmann::ordered_json as_json(const std::vector<int64_t>& value) { return value; }

template <class Enum>
  requires std::is_enum_v<Enum>
nlohmann::ordered_json as_json(Enum value) {
  return to_word(value);
}

nlohmann::json parse_object(const std::string& text, const std::string& origin) {
  nlohmann::json parsed;
  try {
    parsed = parse_bounded_json<nlohmann::json>(text);
  } catch (const DataError& error) {
    throw ConfigError(fmt::format("{}: {}", origin, error.what()),
                      "the file is damaged: copy it again");
  }
  if (!parsed.is_object()) {
    throw ConfigError(fmt::format("{}: expected a JSON object with the model's settings, got {}",
                                  origin, shown(parsed)));
  }
  return parsed;
}

/// Throws at once: the other keys of another kind of model mean something else.
void check_kind(const nlohmann::json& parsed, const std::string& origin) {
  if (parsed.contains("model_type") && parsed["model_type"] != kModelType) {
    throw ConfigError(fmt::format("{}: model_type: expected \"{}\", got {}", origin, kModelType,
                                  shown(parsed["model_type"])),
                      "this folder holds another kind of model");
  }
  if (!parsed.contains("format_version")) {
    return;
  }
  const nlohmann::json& version = parsed["format_version"];
  if (!fits_int64(version) || version.get<int64_t>() < 1) {
    throw ConfigError(
        fmt::format("{}: format_version: expected a whole number from 1 to {}, got {}", origin,
                    kFormatVersion, shown(version)));
  }
  if (version.get<int64_t>() > kFormatVersion) {
    throw ConfigError(fmt::format("{}: format_version: this program reads version {}, got {}",
                                  origin, kFormatVersion, version.get<int64_t>()),
                      "the model was written by a newer brt; use that");
  }
}

}  // namespace

std::string model_config_to_json(const ModelConfig& config, const std::string& tokenizer) {
  nlohmann::ordered_json written;
  written["architectures"] = nlohmann::ordered_json::array({kArchitecture});
  written["model_type"] = kModelType;
  written["format_version"] = kFormatVersion;
  ModelConfig::for_each_field(config, [&written](const char* name, const auto& member,
                                                 const char*) { written[name] = as_json(member); });
  if (tokenizer == "bytes") {
    written["tokenizer"] = tokenizer;
  }
  return written.dump(2) + "\n";
}

ModelConfig model_config_from_json(const std::string& text, const std::string& origin) {
  const nlohmann::json parsed = parse_object(text, origin);
  check_kind(parsed, origin);

  std::vector<std::string> problems;
  std::vector<std::string> unread_keys;
  ModelConfig config;
  const std::function<void(const std::string&, const std::string&)> report =
      [&](const std::string& key, const std::string& problem) {
        problems.push_back(fmt::format("{}: {}", key, problem));
        unread_keys.push_back(key);
      };
  ModelConfig::for_each_field(config, [&](const std::string& key, auto& member, const char*) {
    if (parsed.contains(key)) {
      const std::string expected = store(parsed[key], member);
      if (!expected.empty()) {
        report(key, fmt::format("expected {}, got {}", expected, shown(parsed[key])));
      }
    } else if (std::ranges::find(kRequiredKeys, key) != kRequiredKeys.end()) {
      report(key, "is missing");
    }
  });
  if (!parsed.contains("num_states")) {
    if (config.recurrent_layers.empty()) {
      config.num_states = 0;
    } else {
      report("num_states", "is missing");
    }
  }
  for (const std::string& problem : model_config_problems(config)) {
    if (!mentions_any(problem, unread_keys)) {  // it would be about a default, not about the file
      problems.push_back(problem.substr(std::string_view("model.").size()));
    }
  }
  throw_if_problems(origin, problems);
  return resolve_model_config(config);
}

ModelConfig read_model_config(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    return model_config_from_json(text, path.string());
  } catch (const ConfigError& error) {
    throw CheckpointError(error.what());
  }
}

}  // namespace brt
