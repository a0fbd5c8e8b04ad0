// SPDX-License-Identifier: Apache-2.0
// Reading the header from the file.
#include "safetensors/safetensors_layout.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file_stream.h"

namespace brt {

SafetensorsLayout read_safetensors_layout(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw CheckpointError(fmt::format("{}: does not exist", path.string()),
                          "check the path; a relative one begins at the folder of the command");
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw CheckpointError(
        fmt::format("{}: is not a file, a safetensors file was expected", path.string()));
  }
  std::ifstream stream = open_stream(path);
  const uint64_t file_bytes = std::filesystem::file_size(path, error);
  if (!stream || error) {
    throw CheckpointError(fmt::format("{}: cannot be opened: {}", path.string(),
                                      error ? error.message() : std::strerror(errno)));
  }
  uint64_t header_bytes = 0;
  if (file_bytes < sizeof(header_bytes) ||
      !stream.read(reinterpret_cast<char*>(&header_bytes), sizeof(header_bytes))) {
    throw CheckpointError(
        fmt::format("{}: has {} bytes, too few for a safetensors file", path.string(), file_bytes),
        "the file is cut off; copy or download it again");
  }
  if (header_bytes > kMaxSafetensorsHeaderBytes) {
    throw CheckpointError(fmt::format("{}: header claims {} bytes, more than the format's {}",
                                      path.string(), header_bytes, kMaxSafetensorsHeaderBytes),
                          "this is not a safetensors file, or it is damaged");
  }
  if (header_bytes > file_bytes - sizeof(header_bytes)) {
    throw CheckpointError(
        fmt::format("{}: header claims {} bytes, but only {} follow", path.string(), header_bytes,
                    file_bytes - sizeof(header_bytes)),
        "the file is cut off; copy or download it again");
  }
  std::string text(header_bytes, '\0');
  if (!stream.read(text.data(), static_cast<std::streamsize>(header_bytes))) {
    throw CheckpointError(fmt::format("{}: read failed in the header", path.string()));
  }
  SafetensorsLayout layout;
  layout.data_start = sizeof(header_bytes) + header_bytes;
  layout.header = parse_safetensors_header(text, file_bytes - layout.data_start, path.string());
  return layout;
}

}  // namespace brt
