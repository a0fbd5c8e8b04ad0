// SPDX-License-Identifier: Apache-2.0
// Table of sizes, and what each name of the paper changes of them.
#include "config/presets.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "config/config_problems.h"
#include "config/enum_text.h"

namespace brt {
namespace {

struct Size {
  std::string_view name;
  int64_t num_layers;
  int64_t width;
  int64_t num_heads;
  int64_t head_size;
  int64_t ffn_width;
  int64_t window;
  int64_t segment;
  int64_t num_states;
  int64_t recurrent_layer;
};

// The first three are for two cores, the others are the paper's (its section 4.1 and figure 4).
constexpr std::array<Size, 9> kSizes = {{
    // name   L   D     H   K    F      W    N     S    recurrent
    {"tiny", 2, 32, 2, 16, 64, 16, 64, 16, 1},
    {"small", 6, 256, 4, 64, 1024, 128, 1024, 128, 3},
    {"medium", 12, 512, 8, 64, 2048, 512, 4096, 512, 9},
    {"37m", 12, 512, 8, 64, 2048, 512, 4096, 512, 9},
    {"75m", 12, 512, 8, 128, 4096, 512, 4096, 512, 9},
    {"150m", 12, 1024, 8, 128, 4096, 512, 4096, 512, 9},
    {"300m", 12, 1024, 16, 128, 8192, 512, 4096, 512, 9},
    {"600m", 12, 2048, 16, 128, 8192, 512, 4096, 512, 9},
    {"1.2b", 12, 2048, 32, 128, 16384, 512, 4096, 512, 9},
}};

/// What a preset is made of; gate and cell mean something with recurrence only.
struct Preset {
  std::string name;
  bool recurrent = false;
  bool one_block_segments = false;
  bool feedback = false;
  GateType gate = GateType::kFixed;
  CellType cell = CellType::kSkip;
};

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> list = {{.name = "xl", .one_block_segments = true}, {.name = "slide"}};
    for (const bool feedback : {false, true}) {
      for (const auto& [gate, gate_word] : enum_words<GateType>()) {
        for (const auto& [cell, cell_word] : enum_words<CellType>()) {
          const std::string family = feedback ? "feedback" : "rec";
          list.push_back(
              {.name = family + "-" + std::string(gate_word) + "-" + std::string(cell_word),
               .recurrent = true,
               .feedback = feedback,
               .gate = gate,
               .cell = cell});
        }
      }
    }
    return list;
  }();
  return all;
}

template <class Entries>
std::vector<std::string> names_of(const Entries& entries) {
  std::vector<std::string> names;
  for (const typename Entries::value_type& entry : entries) {
    names.emplace_back(entry.name);
  }
  return names;
}

template <class Entries>
const typename Entries::value_type* find_by_name(const Entries& entries, std::string_view name) {
  for (const typename Entries::value_type& entry : entries) {
    if (entry.name == name) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace

const std::vector<std::string>& preset_names() {
  static const std::vector<std::string> names = names_of(presets());
  return names;
}

const std::vector<std::string>& size_names() {
  static const std::vector<std::string> names = names_of(kSizes);
  return names;
}

ModelConfig make_preset(const std::string& preset, const std::string& size) {
  const Preset* found_preset = find_by_name(presets(), preset);
  if (found_preset == nullptr) {
    throw ConfigError(unknown_name_text("preset", preset, preset_names()));
  }
  const Size* found_size = find_by_name(kSizes, size);
  if (found_size == nullptr) {
    throw ConfigError(unknown_name_text("size", size, size_names()));
  }

  ModelConfig config = {.num_layers = found_size->num_layers,
                        .width = found_size->width,
                        .num_heads = found_size->num_heads,
                        .head_size = found_size->head_size,
                        .ffn_width = found_size->ffn_width,
                        .window = found_size->window,
                        .segment = found_size->segment,
                        .num_states = found_size->num_states,
                        .gate = found_preset->gate,
                        .cell = found_preset->cell,
                        .feedback = found_preset->feedback};
  if (found_preset->recurrent) {
    config.recurrent_layers = {found_size->recurrent_layer};
  }
  if (found_preset->one_block_segments) {
    config.segment = config.window;
  }
  return config;
}

bool preset_decides(const std::string& preset, std::string_view key) {
  const Preset* found = find_by_name(presets(), preset);
  if (found == nullptr) {
    return false;
  }
  return key == "gate" || key == "cell" || key == "feedback" ||
         (key == "recurrent_layers" && !found->recurrent) ||
         (key == "segment" && found->one_block_segments);
}

}  // namespace brt
