// SPDX-License-Identifier: Apache-2.0
// Recipes and overrides: TOML text to the settings of a run, with every problem reported at once.
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <sstream>
#include <type_traits>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/files.h"
#include "base/nearest_name.h"
#include "base/path_text.h"
#include "config/config_problems.h"
#include "config/enum_text.h"
#include "config/override_notes.h"
#include "config/presets.h"
#include "config/run_config.h"
#include "config/setting_names.h"

namespace brt {
namespace {

constexpr const char* kPreset = "preset";
constexpr const char* kSize = "size";
constexpr const char* kDefaultPreset = "rec-fixed-skip";
constexpr const char* kDefaultSize = "150m";

/// One assignment, from the file or from an override.
struct Setting {
  std::string section;
  std::string key;
  const toml::node* value = nullptr;
  std::string label;  ///< how messages name it: "section.key", or the override
  std::string place;  ///< " (line 3)" in the file; empty for an override
  bool is_override = false;
};

/// What is read so far. Overrides own their values here; those of the file live in `file`.
struct Reading {
  toml::table file;
  std::vector<toml::table> override_values;
  std::vector<Setting> settings;  ///< in the order in which they apply
  std::vector<std::string> problems;
  std::vector<std::string> unread_keys;

  void report(const Setting& setting, const std::string& problem) {
    problems.push_back(fmt::format("{}: {}{}", setting.label, problem, setting.place));
  }
  void report_unread(const Setting& setting, const std::string& problem) {
    report(setting, problem);
    unread_keys.push_back(setting.key);
  }
};

std::string shown(const toml::node& value) {
  constexpr size_t kMostCharacters = 60;
  std::ostringstream stream;
  value.visit([&stream](const auto& typed) {
    // On one line: the formatter breaks long lists.
    stream << toml::toml_formatter(typed, toml::format_flags::none);
  });
  std::string text = stream.str();
  std::ranges::replace(text, '\n', ' ');
  return text.size() <= kMostCharacters ? text : text.substr(0, kMostCharacters) + "...";
}

std::string came(const toml::node& value) {
  switch (value.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "the list " + shown(value);
    case toml::node_type::string:
      return "the text " + shown(value);
    case toml::node_type::integer:
    case toml::node_type::floating_point:
      return "the number " + shown(value);
    case toml::node_type::boolean:
      return shown(value);
    default:
      return "the date or time " + shown(value);
  }
}

// Each of these stores `value` in `member`, or returns what was expected instead.

std::string store(const toml::node& value, int64_t& member) {
  if (!value.is_integer()) {
    return "a whole number";
  }
  member = value.as_integer()->get();
  return "";
}

std::string store(const toml::node& value, double& member) {
  if (!value.is_number()) {
    return "a number";
  }
  member = value.is_integer() ? static_cast<double>(value.as_integer()->get())
                              : value.as_floating_point()->get();
  return "";
}

std::string store(const toml::node& value, bool& member) {
  if (!value.is_boolean()) {
    return "true or false";
  }
  member = value.as_boolean()->get();
  return "";
}

std::string store(const toml::node& value, std::string& member) {
  if (!value.is_string()) {
    return "a text in quotes";
  }
  member = path_from_text(value.as_string()->get()).string();  // as run_config_to_toml writes it
  return "";
}

std::string store(const toml::node& value, std::vector<int64_t>& member) {
  const toml::array* array = value.as_array();
  std::vector<int64_t> numbers;
  if (array != nullptr) {
    for (const toml::node& element : *array) {
      if (element.is_integer()) {
        numbers.push_back(element.as_integer()->get());
      }
    }
  }
  if (array == nullptr || numbers.size() != array->size()) {
    return "a list of whole numbers";
  }
  member = std::move(numbers);
  return "";
}

template <class Enum>
  requires std::is_enum_v<Enum>
std::string store(const toml::node& value, Enum& member) {
  std::optional<Enum> parsed;
  if (value.is_string()) {
    parsed = from_word<Enum>(value.as_string()->get());
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

/// Whether section and key exist; reports it otherwise.
bool check_names(Reading& reading, const Setting& setting) {
  if (!known_keys().contains(setting.section)) {
    reading.report(setting, unknown_name_text("section", setting.section, known_sections()));
    return false;
  }
  const std::vector<std::string>& keys = known_keys().at(setting.section);
  if (std::ranges::find(keys, setting.key) == keys.end()) {
    reading.report(setting, unknown_key_text(setting.section, setting.key));
    return false;
  }
  return true;
}

/// "; did you mean ...?" for a key without its section; empty if no setting is called so.
std::string whole_name_hint(const std::string& key) {
  const std::vector<std::string> meant = settings_meant_by(key);
  return meant.empty() ? "" : fmt::format("; did you mean {}?", alternatives_text(meant));
}

toml::table parse_toml(const std::string& text, const std::string& origin) {
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    throw ConfigError(fmt::format("{}:{}:{}: not valid TOML: {}", origin, error.source().begin.line,
                                  error.source().begin.column, error.description()));
  }
}

std::string place_of(const toml::source_region& source) {
  return fmt::format(" (line {})", source.begin.line);
}

/// A line of the file that belongs to no known section.
void report_stray(Reading& reading, const std::string& name, const toml::node& node) {
  const std::vector<std::string>& sections = known_sections();
  Setting stray;
  stray.label = name;
  stray.place = place_of(node.source());
  if (std::ranges::find(sections, name) != sections.end()) {
    reading.report(stray, "must be a section, [" + name + "], got " + came(node));
  } else if (node.is_table()) {
    reading.report(stray, unknown_name_text("section", name, sections));
  } else {
    const std::string hint = whole_name_hint(name);
    reading.report(stray,
                   "stands outside of a section" +
                       (hint.empty() ? "; sections are " + alternatives_text(sections) : hint));
  }
}

void collect_file_settings(Reading& reading) {
  const std::vector<std::string>& sections = known_sections();
  std::vector<Setting> settings;
  for (const auto& [section_key, section_node] : reading.file) {
    const std::string section(section_key.str());
    if (!section_node.is_table() || std::ranges::find(sections, section) == sections.end()) {
      report_stray(reading, section, section_node);
      continue;
    }
    for (const auto& [key, node] : *section_node.as_table()) {
      settings.push_back({.section = section,
                          .key = std::string(key.str()),
                          .value = &node,
                          .label = section + "." + std::string(key.str()),
                          .place = place_of(key.source())});
    }
  }
  std::ranges::stable_sort(settings, {}, [](const Setting& setting) {
    return setting.value->source().begin.line;  // toml++ hands keys out in alphabetic order
  });
  for (Setting& setting : settings) {
    if (check_names(reading, setting)) {
      reading.settings.push_back(std::move(setting));
    }
  }
}

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return "";
  }
  return std::string(text.substr(begin, text.find_last_not_of(" \t") + 1 - begin));
}

/// The value of an override as {value = ...}; what is no TOML value counts as a string, unless it
/// begins like a longer value that must have been mistyped.
std::optional<toml::table> parse_override_value(const std::string& text) {
  try {
    toml::table parsed = toml::parse("value = " + text);
    if (parsed.size() == 1) {
      return parsed;
    }
  } catch (const toml::parse_error&) {
    if (!text.empty() && std::string_view("\"'[{").find(text.front()) != std::string_view::npos) {
      return std::nullopt;
    }
  }
  toml::table bare;
  bare.insert("value", text);
  return bare;
}

void collect_override(Reading& reading, const std::string& text) {
  Setting setting;
  setting.is_override = true;
  setting.label = "--set " + text;
  const size_t equals = text.find('=');
  const std::string name = trimmed(std::string_view(text).substr(0, equals));
  const size_t dot = name.find('.');
  if (equals == std::string::npos || dot == std::string::npos) {
    reading.report(setting, "expected section.key=value" +
                                (dot == std::string::npos ? whole_name_hint(name) : ""));
    return;
  }
  setting.section = trimmed(std::string_view(name).substr(0, dot));
  setting.key = trimmed(std::string_view(name).substr(dot + 1));
  if (!check_names(reading, setting)) {
    return;
  }
  std::optional<toml::table> parsed =
      parse_override_value(trimmed(std::string_view(text).substr(equals + 1)));
  if (!parsed) {
    reading.report_unread(setting, "the value is not valid TOML");
    return;
  }
  reading.override_values.push_back(std::move(*parsed));
  setting.value = reading.override_values.back().get("value");
  reading.settings.push_back(std::move(setting));
}

bool names_base(const Setting& setting) {
  return setting.section == "model" && (setting.key == kPreset || setting.key == kSize);
}

/// The last setting of model.KEY, or null.
const Setting* find_model_setting(const Reading& reading, std::string_view key) {
  const Setting* found = nullptr;
  for (const Setting& setting : reading.settings) {
    if (setting.section == "model" && setting.key == key) {
      found = &setting;
    }
  }
  return found;
}

/// The name that model.KEY gives. An unknown one is reported and the nearest taken in its place, so
/// that the other settings can be checked against what was most likely meant.
std::string read_base_name(Reading& reading,
                           const char* key,
                           const std::string& otherwise,
                           const std::vector<std::string>& known) {
  const Setting* setting = find_model_setting(reading, key);
  if (setting == nullptr) {
    return otherwise;
  }
  std::string name;
  const std::string expected = store(*setting->value, name);
  if (!expected.empty()) {
    reading.report(*setting, fmt::format("expected {}, got {}", expected, came(*setting->value)));
    return otherwise;
  }
  if (std::ranges::find(known, name) == known.end()) {
    reading.report(*setting, unknown_name_text(key, name, known));
    const std::string nearest = nearest_name(name, known);
    return nearest.empty() ? otherwise : nearest;
  }
  return name;
}

/// Applies model.preset and model.size; false if neither is set.
void apply_base(Reading& reading, RunConfig& config) {
  if (find_model_setting(reading, kPreset) == nullptr &&
      find_model_setting(reading, kSize) == nullptr) {
    return;
  }
  const std::string preset = read_base_name(reading, kPreset, kDefaultPreset, preset_names());
  const std::string size = read_base_name(reading, kSize, kDefaultSize, size_names());
  config.model = make_preset(preset, size);
}

void apply_setting(Reading& reading, const Setting& setting, RunConfig& config) {
  RunConfig::for_each_section(config, [&](const std::string& section_name, auto& section) {
    if (section_name != setting.section) {
      return;
    }
    section.for_each_field(section, [&](const std::string& key, auto& member, const char*) {
      if (key != setting.key) {
        return;
      }
      const std::string expected = store(*setting.value, member);
      if (!expected.empty()) {
        reading.report_unread(setting,
                              fmt::format("expected {}, got {}", expected, came(*setting.value)));
      }
    });
  });
}

/// xl has one block per segment: a window of its own moves the segment along.
void let_segment_follow_window(const Reading& reading, RunConfig& config) {
  const Setting* preset = find_model_setting(reading, kPreset);
  if (preset != nullptr && preset->value->is_string() &&
      preset->value->as_string()->get() == "xl" &&
      find_model_setting(reading, "segment") == nullptr) {
    config.model.segment = config.model.window;
  }
}

/// Drops what the file says of the keys that a preset of --set decides: the later one counts.
void drop_superseded(Reading& reading) {
  const Setting* preset = find_model_setting(reading, kPreset);
  if (preset == nullptr || !preset->is_override || !preset->value->is_string()) {
    return;
  }
  const std::string name = preset->value->as_string()->get();
  std::erase_if(reading.settings, [&name](const Setting& setting) {
    // A list without layers, as a saved config without recurrence has it, places no layer.
    const toml::array* layers = setting.value->as_array();
    const bool is_empty = layers != nullptr && layers->empty();
    return setting.section == "model" && !setting.is_override &&
           (preset_decides(name, setting.key) || (setting.key == "recurrent_layers" && is_empty));
  });
}

/// The settings of a recipe and its overrides, each over those before it.
RunConfig apply_settings(Reading& reading) {
  drop_superseded(reading);
  RunConfig config;
  apply_base(reading, config);
  for (const Setting& setting : reading.settings) {
    if (!names_base(setting)) {
      apply_setting(reading, setting, config);
    }
  }
  let_segment_follow_window(reading, config);
  return config;
}

/// The segment that train.lanes was written for: that of the recipe as it stands in the file (of
/// another size, if an override names one); for the default of train.lanes, that of the size.
int64_t segment_of_lanes(const std::vector<Setting>& settings) {
  const bool has_lanes = std::ranges::any_of(settings, [](const Setting& setting) {
    return setting.section == "train" && setting.key == "lanes";
  });
  Reading reading;
  std::ranges::copy_if(settings, std::back_inserter(reading.settings), [&](const Setting& setting) {
    const bool is_size = setting.section == "model" && setting.key == kSize;
    const bool is_preset = setting.section == "model" && setting.key == kPreset;
    return has_lanes ? !setting.is_override || is_size : !is_preset;
  });
  return apply_settings(reading).model.segment;
}

/// Keeps the tokens of a step where a preset changes the segment: models are compared at equal
/// tokens, and who asks for xl asks for shorter segments, not for less to read. Says so in `notes`.
void let_lanes_follow_segment(const std::vector<Setting>& settings,
                              RunConfig& config,
                              std::vector<std::string>& notes) {
  const bool is_chosen = std::ranges::any_of(settings, [](const Setting& setting) {
    return setting.is_override && ((setting.section == "train" && setting.key == "lanes") ||
                                   (setting.section == "model" && setting.key == "segment"));
  });
  constexpr int64_t kMost = int64_t{1} << 30;  // products of two such numbers do not overflow
  const int64_t before = segment_of_lanes(settings);
  const int64_t now = config.model.segment;
  const int64_t lanes = config.train.lanes;
  const bool is_sane = std::ranges::all_of(
      std::array{before, now, lanes}, [](int64_t value) { return value > 0 && value <= kMost; });
  if (is_chosen || before == now || !is_sane) {
    return;
  }
  if (lanes * before % now != 0) {
    notes.push_back(fmt::format(
        "segments of {} instead of {} tokens: a step has {} tokens instead of {}, since {} lanes "
        "cannot be divided; set train.lanes and model.segment for runs that compare",
        now, before, lanes * now, lanes * before, lanes));
    return;
  }
  config.train.lanes = lanes * before / now;
  notes.push_back(
      fmt::format("segments of {} instead of {} tokens: train.lanes is {} instead of {}, so that a "
                  "step has {} tokens as before",
                  now, before, config.train.lanes, lanes, lanes * before));
}

/// Adds the problems of the values, naming the override where one set the value.
void check_values(Reading& reading, const RunConfig& config) {
  for (const std::string& problem : run_config_problems(config)) {
    if (mentions_any(problem, reading.unread_keys)) {
      continue;  // about a default in the place of a value that is reported already
    }
    const size_t name_end = problem.find(':');
    const std::string name = problem.substr(0, name_end);
    std::string label = name;
    for (const Setting& setting : reading.settings) {
      if (name == setting.section + "." + setting.key) {
        label = setting.label;  // the last one applies
      }
    }
    reading.problems.push_back(label + problem.substr(name_end));
  }
}

}  // namespace

RunConfig load_run_config(const std::filesystem::path& file,
                          const std::vector<std::string>& overrides) {
  return parse_run_config(read_file(file), file.string(), overrides);
}

RunConfig parse_run_config(const std::string& toml_text,
                           const std::string& origin,
                           const std::vector<std::string>& overrides) {
  std::vector<std::string> notes;
  return parse_run_config(toml_text, origin, overrides, notes);
}

RunConfig load_run_config(const std::filesystem::path& file,
                          const std::vector<std::string>& overrides,
                          std::vector<std::string>& notes) {
  return parse_run_config(read_file(file), file.string(), overrides, notes);
}

RunConfig parse_run_config(const std::string& toml_text,
                           const std::string& origin,
                           const std::vector<std::string>& overrides,
                           std::vector<std::string>& notes) {
  Reading reading;
  reading.file = parse_toml(toml_text, origin);
  reading.override_values.reserve(overrides.size());  // settings point into these tables
  collect_file_settings(reading);
  for (const std::string& text : overrides) {
    collect_override(reading, text);
  }
  const std::vector<Setting> settings = reading.settings;
  RunConfig config = apply_settings(reading);
  let_lanes_follow_segment(settings, config, notes);
  config.model = resolve_model_config(std::move(config.model));
  check_values(reading, config);
  throw_if_problems(origin, reading.problems);
  return config;
}

}  // namespace brt
