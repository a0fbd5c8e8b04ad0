// SPDX-License-Identifier: Apache-2.0
// Any text is the manifest.json of a checkpoint, and the checkpoint then sound, or damage is named;
// whether one file of it is damaged can be asked too.
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "checkpoint/checkpoints.h"
#include "fuzz_input.h"
#include "scratch_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const brt::ScratchFolder checkpoint;
  static const bool is_filled = [] {
    checkpoint.put("trainer.json", "{}");  // as write_fuzz_seeds.cpp says
    return true;
  }();
  brt::require_of_parser(is_filled);
  checkpoint.put("manifest.json", brt::input_text(data, size));
  const std::optional<std::string> damage = brt::checkpoint_damage(checkpoint.path());
  const std::optional<std::string> of_file =
      brt::checkpoint_file_damage(checkpoint.path(), "trainer.json");
  brt::require_of_parser(!damage || !damage->empty());
  brt::require_of_parser(damage || !of_file);
  return 0;
}
