// SPDX-License-Identifier: Apache-2.0
// The verbs of the program; each file of this folder defines one.
#pragma once

#include <CLI/CLI.hpp>

namespace brt {

/// Each adds a subcommand with its flags, examples and a callback that does the work. A callback
/// throws brt::Error for faults from outside; main() prints it and chooses the exit code.
void add_prepare_verb(CLI::App& app);
void add_tokenizer_verb(CLI::App& app);
void add_train_verb(CLI::App& app);
void add_eval_verb(CLI::App& app);
void add_score_verb(CLI::App& app);
void add_generate_verb(CLI::App& app);
void add_compress_verb(CLI::App& app);
void add_decompress_verb(CLI::App& app);
void add_state_verb(CLI::App& app);
void add_inspect_verb(CLI::App& app);
void add_selftest_verb(CLI::App& app);
void add_bench_verb(CLI::App& app);
void add_report_verb(CLI::App& app);
void add_help_verb(CLI::App& app);

}  // namespace brt
