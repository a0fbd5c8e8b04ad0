// SPDX-License-Identifier: Apache-2.0
// What was wrong with a command line, in plain words.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace brt {

/// The innermost verb that was given, or the program itself.
const CLI::App* chosen_app(const CLI::App& app);

/// "brt tokenizer train": a verb with those above it.
std::string command_name(const CLI::App& verb);

/// `unknown verb "evl"; did you mean "eval"?`, or where none is near, the verbs of `above`.
std::string unknown_verb_text(const CLI::App& above, const std::string& word);

/// The message for an error of CLI11. Words that were not understood come with the nearest ones
/// that would have been; `train --batch-size 8` with the setting that is meant.
std::string usage_error_text(const CLI::App& app, const CLI::Error& error);

}  // namespace brt
