// SPDX-License-Identifier: Apache-2.0
// A folder with books, their prepared data and a model trained for four steps, all made by `brt`.
#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "checkpoint/scratch_folder.h"
#include "support/program.h"

namespace brt {

struct ProgramResult {
  int code = 0;
  std::string output;
  std::string messages;
};

/// Commands run in the folder, so paths in them are relative to it.
class TinyRun {
 public:
  TinyRun() {
    // Ignored under nohup and by background jobs, and then by every program that is started.
    ::signal(SIGHUP, SIG_DFL);
    ::signal(SIGINT, SIG_DFL);
    std::filesystem::create_directories(folder() / "books/train");
    std::filesystem::create_directories(folder() / "books/validation");
    int64_t bytes = 150;
    for (const char* book :
         {"train/a.txt", "train/b.txt", "validation/c.txt", "validation/d.txt"}) {
      put_bytes(folder() / "books" / book, words(bytes, static_cast<uint64_t>(bytes)));
      bytes += 130;
    }
    put_bytes(folder() / "recipe.toml", kRecipe);
  }

  const std::filesystem::path& folder() const { return scratch_.path(); }

  /// data/ with the splits train and validation.
  void prepare() {
    for (const char* split : {"train", "validation"}) {
      must_run({"prepare", "--input", std::string("books/") + split, "--output", "data", "--split",
                split});
    }
  }
  /// run/ with checkpoints after 2 and 4 steps, from data/.
  void train() { must_run({"train", "--config", "recipe.toml", "--run", "run"}); }

  ProgramResult run(const std::vector<std::string>& command, ProcessOptions options = {}) {
    const std::filesystem::path output = outputs_ / "output";
    const std::filesystem::path messages = outputs_ / "messages";
    std::filesystem::remove(output);
    std::filesystem::remove(messages);
    options.folder = folder();
    options.output = options.output == "/dev/null" ? output : options.output;
    options.messages = messages;
    const int code = Process(command, options).wait();
    return {code, bytes_of(output), bytes_of(messages)};
  }

  ProgramResult must_run(const std::vector<std::string>& command) {
    const ProgramResult result = run(command);
    if (result.code != 0) {
      throw std::runtime_error("brt " + command.front() + ": " + result.messages);
    }
    return result;
  }

 private:
  ScratchFolder scratch_;
  ScratchFolder outputs_;  ///< outside of the folder that tests compare

  static constexpr const char* kRecipe = R"([model]
num_layers = 3
width = 32
num_heads = 2
head_size = 16
ffn_width = 64
window = 16
segment = 64
num_states = 8
recurrent_layers = [1]

[data]
path = "data"

[train]
steps = 4
lanes = 2
threads = 1
log_every = 1
checkpoint_every = 2

[optimizer]
warmup = 2

[evaluation]
every = 2
lanes = 2
)";
};

}  // namespace brt
