// SPDX-License-Identifier: Apache-2.0
// What a checkpoint remembers against what its run is given now.
#include "train/resume_check.h"

#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "kernels/cpu_target.h"
#include "train/resume_rules.h"

namespace brt {
namespace {

void check_fingerprint(const std::string& folder,
                       const std::string& split,
                       const std::string& now,
                       const std::string& before) {
  if (now != before) {
    throw DataError(
        fmt::format("{}: split {} is not the data that the run began with (fingerprint {}, was {})",
                    folder, split, now, before),
        "prepare the same texts with the same tokenizer, or choose another --run folder");
  }
}

void check_same_data(const SavedRun& saved, const DataConfig& config, const RunData& data) {
  check_fingerprint(config.path, config.train_split, data.training, saved.data_fingerprint);
  check_fingerprint(config.path, fmt::format("{} (its tokenizer)", config.train_split),
                    data.tokenizer, saved.tokenizer_fingerprint);
  if (!data.validation.empty() && !saved.validation_fingerprint.empty()) {
    check_fingerprint(config.path, config.validation_split, data.validation,
                      saved.validation_fingerprint);
  }
}

}  // namespace

SavedRun read_resumed_run(const std::filesystem::path& checkpoint,
                          const RunConfig& config,
                          const RunData& data,
                          const RunMessages& messages) {
  const std::string origin = (checkpoint / "trainer.json").string();
  SavedRun saved = saved_run_from_json(read_file(origin), origin);
  const RunConfig saved_config = parse_run_config(saved.config, origin, {});
  check_resumed_config(saved_config, config, saved.trainer.step);
  check_same_data(saved, config.data, data);
  if (saved_config.data.path != config.data.path) {
    messages.note(fmt::format("data.path was {}, now it is {}: moved; the data are the same",
                              saved_config.data.path, config.data.path));
  }
  const std::string_view target = kernels::to_word(kernels::cpu_target());
  if (!saved.cpu_target.empty() && saved.cpu_target != target) {
    messages.warn(
        fmt::format("{}: made with the CPU target {}, this is {}: what follows agrees with one run "
                    "to rounding, not bit for bit",
                    checkpoint.string(), saved.cpu_target, target));
  }
  return saved;
}

}  // namespace brt
