// SPDX-License-Identifier: Apache-2.0
// A state file and a compressed file, with each call of their writing killed and failed.
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "base/files.h"
#include "base/output_check.h"
#include "compression/compressed_file.h"
#include "engine/state_file.h"
#include "faults/fault_trials.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPartBytes = size_t{2} << 20;  ///< more than one write

StateFile state_of(char letter) {
  StateFile file;
  file.tokens_read = letter;
  file.parts = {{.name = "keys.0", .dtype = "F32", .bytes = std::string(kPartBytes, letter)}};
  return file;
}

FaultOperation writing_a_state(bool is_replaced) {
  return {.begin =
              [=](const fs::path& folder) {
                if (is_replaced) {
                  write_state_file(folder / "state", state_of('a'));
                }
              },
          .act =
              [](const fs::path& folder) {
                check_output_file(folder / "state");
                write_state_file(folder / "state", state_of('b'));
              },
          .check =
              [=](const fs::path& folder) {
                if (is_replaced || fs::exists(folder / "state")) {
                  const std::string bytes = read_state_file(folder / "state").parts.at(0).bytes;
                  if (bytes != std::string(kPartBytes, 'b') &&
                      (!is_replaced || bytes != std::string(kPartBytes, 'a'))) {
                    throw std::runtime_error("the state is neither the old nor the new");
                  }
                }
              }};
}

constexpr int kBlocks = 20;

std::string block(int i) { return std::string(60000, static_cast<char>('a' + i)); }

/// As the verb writes it: block by block into a file that is put in place at the end.
void write_compressed(const fs::path& path) {
  check_output_file(path);
  AtomicFile output(path);
  CompressedFileWriter writer({.weights = "bf16", .kernel_target = "scalar"},
                              [&](std::string_view bytes) { output.write(bytes); });
  for (int i = 0; i < kBlocks; ++i) {
    writer.append(block(i));
  }
  writer.finish({});
  output.commit();
}

void expect_whole_compressed(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  CompressedFileReader reader(path.string(), [&](char* buffer, size_t size) {
    stream.read(buffer, static_cast<std::streamsize>(size));
    return static_cast<size_t>(stream.gcount());
  });
  size_t bytes = 0;
  for (std::string coded = reader.next_block(); !coded.empty(); coded = reader.next_block()) {
    bytes += coded.size();
  }
  if (bytes != kBlocks * block(0).size()) {
    throw std::runtime_error("blocks are missing");
  }
}

FaultOperation writing_a_compressed_file() {
  return {.begin = [](const fs::path& folder) { put_bytes(folder / "out", "another file"); },
          .act = [](const fs::path& folder) { write_compressed(folder / "out"); },
          .check =
              [](const fs::path& folder) {
                if (get_bytes(folder / "out") != "another file") {
                  expect_whole_compressed(folder / "out");
                }
              }};
}

void try_everything(const FaultOperation& operation) {
  FaultTrials trials(operation);
  for (const bool has_unnamed_files : {true, false}) {
    trials.kill_at_every_change(FaultKind::kKill, has_unnamed_files);
    trials.kill_at_every_change(FaultKind::kPowerCut, has_unnamed_files);
    trials.fail_every_call(EIO, has_unnamed_files);
    trials.fail_every_call(ENOSPC, has_unnamed_files);
  }
  trials.disturb_all_calls(FaultKind::kShort);
  trials.disturb_all_calls(FaultKind::kInterrupt);
}

TEST(OutputFaults, ANewStateIsWholeOrNotThere) { try_everything(writing_a_state(false)); }

TEST(OutputFaults, AStateThatIsReplacedIsTheOldOrTheNew) { try_everything(writing_a_state(true)); }

TEST(OutputFaults, AFileThatACompressedOneReplacesIsTheOldOrTheNew) {
  try_everything(writing_a_compressed_file());
}

}  // namespace
}  // namespace brt
