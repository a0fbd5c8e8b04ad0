// SPDX-License-Identifier: Apache-2.0
// Names of files and folders that are not finished, and the removal of those whose makers died.
//
// A temporary is called ".NAME.brt-partial-0123456789abcdef": hidden, in the folder of NAME, of a
// pattern that nothing else uses, with a number that nobody can guess. The process that fills a
// temporary file holds a lock (flock) on it, so that one without a lock is provably dead.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace brt {

/// A new temporary name for `name`, of which as much is kept as fits `most_bytes`.
std::string temporary_name(std::string_view name, size_t most_bytes = 255);

/// Whether a file's name is of that pattern; with `name`, whether it is a temporary for that name.
bool is_temporary_name(std::string_view file_name);
bool is_temporary_name(std::string_view file_name, std::string_view name, size_t most_bytes);

/// Marks an open temporary file as in use; false if it is another's by now.
bool hold_temporary(int descriptor);

/// Removes what killed processes left of unfinished files in `folder` (not below it): regular files
/// with a temporary name that no process holds, on this machine or another. Call it where files of
/// `folder` are about to be written. Folders with such names are their maker's to remove. What
/// cannot be looked at or removed stays; nothing is thrown.
void remove_dead_temporaries(const std::filesystem::path& folder) noexcept;

/// The same for the temporaries of one file.
void remove_dead_temporaries_of(const std::filesystem::path& file) noexcept;

}  // namespace brt
