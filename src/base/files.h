// SPDX-License-Identifier: Apache-2.0
// Files read whole, and the entries of folders. For the rest of what files need, this includes
// base/atomic_file.h, base/file_errors.h, base/file_lock.h and base/mapped_file.h.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/descriptor.h"
#include "base/file_errors.h"
#include "base/file_lock.h"
#include "base/mapped_file.h"

namespace brt {

/// The whole file as bytes. @throws FileAbsent or FileUnreadable with path and the system's reason,
/// DataError if it is a folder.
std::string read_file(const std::filesystem::path& path);

/// An open file that is no folder. @throws as read_file.
Descriptor open_for_reading(const std::filesystem::path& path);

/// Whether anything has this name, a link that leads nowhere included. @throws FileUnreadable if
/// the system does not tell, which is not the same as no.
bool name_exists(const std::filesystem::path& path);

/// The paths of a folder's entries, sorted. @throws FileAbsent or FileUnreadable.
std::vector<std::filesystem::path> folder_entries(const std::filesystem::path& folder);

}  // namespace brt
