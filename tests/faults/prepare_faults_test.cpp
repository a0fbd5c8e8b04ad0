// SPDX-License-Identifier: Apache-2.0
// brt prepare, with each of its calls killed and failed: a split is the old one or the new one.
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/files.h"
#include "data/prepared_data.h"
#include "faults/fault_trials.h"
#include "text/tokenizer.h"
#include "text/tokenizer_trainer.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

void prepare(const fs::path& folder,
             const std::string& text,
             const std::string& split,
             const std::string& tokenizer = "bytes") {
  const ScratchFolder inputs;
  put_bytes(inputs / "text", text);
  PrepareOptions options;
  options.inputs = {(inputs / "text").string()};
  options.output = folder / "data";
  options.split = split;
  options.tokenizer = tokenizer;
  prepare_split(options, nullptr);
}

/// The text of a split's only document. @throws DataError if it is not whole.
std::string text_of(const fs::path& folder, const std::string& split_name) {
  const PreparedData data(folder / "data");
  const PreparedSplit split = data.open_split(split_name);
  std::vector<int32_t> tokens(static_cast<size_t>(split.document(0).tokens));
  split.read(0, 0, tokens);
  return data.tokenizer()->decode(tokens);
}

void expect(bool is_right, const std::string& what) {
  if (!is_right) {
    throw std::runtime_error(what);
  }
}

bool is_lock(const std::string& name) { return name == "data/.lock"; }

FaultOperation replacing_a_split() {
  return {.begin =
              [](const fs::path& folder) {
                prepare(folder, "old text", "train");
                prepare(folder, "beside it", "validation");
              },
          .act = [](const fs::path& folder) { prepare(folder, "new text", "train"); },
          .check =
              [](const fs::path& folder) {
                const std::string text = text_of(folder, "train");
                expect(text == "old text" || text == "new text", "train is " + text);
                expect(text_of(folder, "validation") == "beside it", "validation is another");
              },
          .is_passed_over = is_lock};
}

FaultOperation adding_a_split() {
  return {.begin = [](const fs::path& folder) { prepare(folder, "old text", "train"); },
          .act = [](const fs::path& folder) { prepare(folder, "more", "test"); },
          .check =
              [](const fs::path& folder) {
                expect(text_of(folder, "train") == "old text", "train is another");
                if (PreparedData(folder / "data").split_names().size() == 2) {
                  expect(text_of(folder, "test") == "more", "test is another");
                }
              },
          .is_passed_over = is_lock};
}

FaultOperation the_first_split() {
  return {.begin = [](const fs::path& /*folder*/) {},
          .act = [](const fs::path& folder) { prepare(folder, "text", "train"); },
          .check =
              [](const fs::path& folder) {
                if (fs::exists(folder / "data/dataset.json")) {
                  expect(text_of(folder, "train") == "text", "train is another");
                }
              },
          .is_passed_over = is_lock};
}

/// With the only split its tokenizer changes too.
FaultOperation changing_the_tokenizer(bool to_bytes) {
  size_t line = 0;
  TokenizerTrainerOptions options;
  options.vocab_size = 300;
  const std::shared_ptr<ScratchFolder> models = std::make_shared<ScratchFolder>();
  const std::string model = (*models / "a.model").string();
  put_bytes(model, train_tokenizer(
                       [&]() -> std::optional<std::string> {
                         return line < 200 ? std::optional("old text and new text " +
                                                           std::to_string(line++))
                                           : std::nullopt;
                       },
                       options));
  const std::string before = to_bytes ? model : "bytes";
  const std::string after = to_bytes ? "bytes" : model;
  return {.begin = [=](const fs::path& folder) { prepare(folder, "old text", "train", before); },
          .act =
              [=](const fs::path& folder) {
                expect(fs::exists(models->path()), "no tokenizer");
                prepare(folder, "new text", "train", after);
              },
          .check =
              [](const fs::path& folder) {
                const std::string text = text_of(folder, "train");
                expect(text == "old text" || text == "new text", "train is " + text);
              },
          .is_passed_over = is_lock};
}

struct NamedOperation {
  const char* name;
  FaultOperation (*make)();
};

class PrepareFaults : public testing::TestWithParam<NamedOperation> {};

TEST_P(PrepareFaults, AKillAtAnyCallLeavesTheOldOrTheNew) {
  FaultTrials trials(GetParam().make());
  trials.kill_at_every_change(FaultKind::kKill);
  trials.kill_at_every_change(FaultKind::kKill, /*has_unnamed_files=*/false);
}

TEST_P(PrepareFaults, APowerCutAtAnyCallLeavesTheOldOrTheNew) {
  FaultTrials trials(GetParam().make());
  trials.kill_at_every_change(FaultKind::kPowerCut);
  trials.kill_at_every_change(FaultKind::kPowerCut, /*has_unnamed_files=*/false);
}

TEST_P(PrepareFaults, AFailingDiskOrAFullOneLeavesTheOldOrTheNew) {
  FaultTrials trials(GetParam().make());
  trials.fail_every_call(EIO);
  trials.fail_every_call(ENOSPC);
  trials.fail_every_call(EIO, /*has_unnamed_files=*/false);
}

TEST_P(PrepareFaults, ShortAndInterruptedCallsChangeNothing) {
  FaultTrials trials(GetParam().make());
  trials.disturb_all_calls(FaultKind::kShort);
  trials.disturb_all_calls(FaultKind::kInterrupt);
}

INSTANTIATE_TEST_SUITE_P(
    Operations,
    PrepareFaults,
    testing::Values(NamedOperation{"ReplacingASplit", replacing_a_split},
                    NamedOperation{"AddingASplit", adding_a_split},
                    NamedOperation{"TheFirstSplit", the_first_split},
                    NamedOperation{"ToAnotherTokenizer",
                                   [] { return changing_the_tokenizer(false); }},
                    NamedOperation{"ToBytes", [] { return changing_the_tokenizer(true); }}),
    [](const testing::TestParamInfo<NamedOperation>& operation) {
      return std::string(operation.param.name);
    });

}  // namespace
}  // namespace brt
