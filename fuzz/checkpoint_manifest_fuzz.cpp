// SPDX-License-Identifier: Apache-2.0
// Any text is the manifest.json of a checkpoint, and the checkpoint then sound, or damage is named;
// whether one file of it is damaged can be asked too.
#include <cstdint>

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
  const brt::CheckpointFinding whole = brt::examine_checkpoint(checkpoint.path());
  const brt::CheckpointFinding file =
      brt::examine_checkpoint_file(checkpoint.path(), "trainer.json");
  constexpr brt::CheckpointCondition kSound = brt::CheckpointCondition::kSound;
  brt::require_of_parser((whole.condition == kSound) == whole.reason.empty());
  brt::require_of_parser(whole.condition != kSound || file.condition == kSound);
  return 0;
}
