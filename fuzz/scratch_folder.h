// SPDX-License-Identifier: Apache-2.0
// A folder for parsers that take one: in memory where the system has such a place, gone at the end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace brt {

class ScratchFolder {
 public:
  ScratchFolder() {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code error;
    std::string pattern =
        ((std::filesystem::is_directory(memory, error) && ::access(memory.c_str(), W_OK) == 0
              ? memory
              : std::filesystem::temp_directory_path()) /
         "brt-fuzz-XXXXXX")
            .string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      std::abort();  // not the parser's fault: no memory, no rights
    }
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Writes a file, with the folders above it; what was there is written over.
  void put(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream stream(file, std::ios::binary);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!stream.flush()) {
      std::abort();
    }
  }

 private:
  std::filesystem::path path_;
};

}  // namespace brt
