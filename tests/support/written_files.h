// SPDX-License-Identifier: Apache-2.0
// Manifests of folders that a test has filled by hand.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <unistd.h>

#include "base/hash.h"
#include "checkpoint/checkpoints.h"

namespace brt {

/// What the files of a folder hold, as if it had just been given to them.
inline WrittenFiles files_in(const std::filesystem::path& folder) {
  WrittenFiles files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).generic_string();
    if (entry.is_regular_file() && name != "manifest.json") {
      files[name] = {.bytes = entry.file_size(), .xxh3 = hash_file(entry.path())};
    }
  }
  return files;
}

/// Makes a folder a sound checkpoint.
inline void write_manifest(const std::filesystem::path& folder) {
  write_manifest(folder, files_in(folder));
}

/// Runs `call` as a user who may not read what is root's; without root as it is.
template <class Call>
void as_nobody(Call&& call) {
  constexpr uid_t kNobody = 65534;
  const bool is_root = ::geteuid() == 0;
  if (is_root && ::seteuid(kNobody) != 0) {
    throw std::runtime_error("cannot become nobody");
  }
  struct Return {
    bool is_root;
    ~Return() {
      if (is_root && ::seteuid(0) != 0) {
        std::abort();
      }
    }
  } const back = {is_root};
  call();
}

}  // namespace brt
