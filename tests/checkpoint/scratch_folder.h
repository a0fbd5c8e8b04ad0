// SPDX-License-Identifier: Apache-2.0
// A folder of one test's own, and files in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace brt {

/// An empty folder that is deleted with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "brt-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("no scratch folder");
    }
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void put_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << bytes;
  if (!stream.flush()) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

inline std::string get_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw std::runtime_error("cannot read " + path.string());
  }
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

/// Replaces the byte in the middle of a file by another.
inline void damage_file(const std::filesystem::path& path) {
  std::string bytes = get_bytes(path);
  bytes.at(bytes.size() / 2) = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
  put_bytes(path, bytes);
}

/// The message of what `call` throws, or "nothing thrown".
template <class Exception, class Call>
std::string thrown_message(Call&& call) {
  try {
    call();
  } catch (const Exception& error) {
    return error.what();
  }
  return "nothing thrown";
}

/// Whether a message holds a part; shows the message where it does not.
inline testing::AssertionResult says(const std::string& message, const std::string& part) {
  if (message.find(part) != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "\"" << part << "\" is not in: " << message;
}

}  // namespace brt
