// SPDX-License-Identifier: Apache-2.0
// The settings of a run as text: TOML that reads back as the same, differences, help.
#include <set>
#include <sstream>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/path_text.h"
#include "config/config_problems.h"
#include "config/enum_text.h"
#include "config/presets.h"
#include "config/run_config.h"

namespace brt {
namespace {

// Every setting has its help in a comment that begins in this column or later.
constexpr size_t kHelpColumn = 32;
constexpr const char* kHelpMark = "  # ";

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char character : text) {
    const unsigned code = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      result += '\\';
      result += character;
    } else if (code < 0x20 || code == 0x7f) {
      result += fmt::format("\\u{:04x}", code);
    } else {
      result += character;
    }
  }
  return result + '"';
}

/// A value in TOML syntax.
template <class Value>
std::string toml_value(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    return quoted(to_word(value));
  } else if constexpr (std::is_same_v<Value, std::string>) {
    return quoted(path_text(value));  // a path may hold any bytes, TOML only UTF-8
  } else if constexpr (std::is_same_v<Value, std::vector<int64_t>>) {
    return fmt::format("[{}]", fmt::join(value, ", "));
  } else if constexpr (std::is_same_v<Value, double>) {
    const std::string shortest = fmt::format("{}", value);  // reads back as the same double
    return shortest.find_first_of(".en") == std::string::npos ? shortest + ".0" : shortest;
  } else {
    static_assert(std::is_same_v<Value, bool> || std::is_same_v<Value, int64_t>);
    return fmt::format("{}", value);
  }
}

struct Field {
  std::string section;
  std::string key;
  std::string value;  ///< in TOML syntax
  std::string help;
};

std::vector<Field> all_fields(const RunConfig& config) {
  std::vector<Field> fields;
  RunConfig::for_each_section(config, [&fields](const char* section_name, const auto& section) {
    section.for_each_field(section, [&](const char* key, const auto& value, const char* help) {
      fields.push_back({section_name, key, toml_value(value), help});
    });
  });
  return fields;
}

}  // namespace

std::string run_config_to_toml(const RunConfig& config) {
  std::string text;
  std::string section;
  for (const Field& field : all_fields(config)) {
    if (field.section != section) {
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", field.section);
      section = field.section;
    }
    text += fmt::format("{:<{}}{}{}\n", fmt::format("{} = {}", field.key, field.value), kHelpColumn,
                        kHelpMark, field.help);
  }
  return text;
}

bool is_run_config_text(const std::string& text) {
  std::set<std::string> sections;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[') && line.ends_with(']')) {
      sections.insert(line);
    } else if (!line.empty() && (sections.empty() || line.find(" = ") == std::string::npos ||
                                 line.find(kHelpMark, kHelpColumn) == std::string::npos)) {
      return false;
    }
  }
  return text.starts_with("[model]\n") && sections.contains("[data]") &&
         sections.contains("[train]") && sections.contains("[optimizer]") &&
         sections.contains("[evaluation]");
}

std::vector<FieldDifference> config_differences(const RunConfig& left, const RunConfig& right) {
  const std::vector<Field> left_fields = all_fields(left);
  const std::vector<Field> right_fields = all_fields(right);
  std::vector<FieldDifference> differences;
  for (size_t i = 0; i < left_fields.size(); ++i) {
    if (left_fields[i].value != right_fields[i].value) {
      differences.push_back({left_fields[i].section + "." + left_fields[i].key,
                             left_fields[i].value, right_fields[i].value});
    }
  }
  return differences;
}

std::string run_config_help() {
  constexpr const char* kLine = "{:<26} {:<12} {}\n";
  std::string text = fmt::format(kLine, "key", "default", "meaning");
  text +=
      fmt::format(kLine, "model.preset", "",
                  "start from a model of the paper (size 150m if none is named; the segment of xl "
                  "follows model.window, and train.lanes the segment): " +
                      fmt::format("{}", fmt::join(preset_names(), ", ")));
  text += fmt::format(kLine, "model.size", "",
                      "start from a size (preset rec-fixed-skip if none is named): " +
                          fmt::format("{}", fmt::join(size_names(), ", ")));
  for (const Field& field : all_fields(RunConfig())) {
    text += fmt::format(kLine, field.section + "." + field.key, field.value, field.help);
  }
  return text;
}

}  // namespace brt
