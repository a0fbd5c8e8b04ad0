// SPDX-License-Identifier: Apache-2.0
// Which sections and keys a recipe has, and what an unknown one was meant to be.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace brt {

/// The sections of a recipe in order.
const std::vector<std::string>& known_sections();

/// The keys of every section, `preset` and `size` of [model] included.
const std::map<std::string, std::vector<std::string>>& known_keys();

/// The settings ("section.key") that `key` stands for although no section was named or the named
/// one does not have it: keys of other sections, and what other trainers call them ("batch_size" is
/// "train.lanes"; case, '-' and '_' do not matter). Mostly one; empty if nothing is known.
std::vector<std::string> settings_meant_by(std::string_view key);

/// What is wrong with a key that `section` does not have: `unknown key "batch_size"; did you mean
/// "train.lanes"?`
std::string unknown_key_text(const std::string& section, const std::string& key);

}  // namespace brt
