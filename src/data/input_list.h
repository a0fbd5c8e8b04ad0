// SPDX-License-Identifier: Apache-2.0
// Which files the inputs of `brt prepare` stand for, and how each of them is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace brt {

enum class InputKind { kPlain, kJsonl, kCompressedJsonl, kTar };

struct InputFile {
  std::filesystem::path path;  ///< "-": standard input
  std::string name;            ///< of the document: the path below the folder, or the file's name
  InputKind kind = InputKind::kPlain;
};

/// The files in the order they are read: inputs as given, a folder's files by path.
/// @throws DataError for a missing input, a folder without files or that cannot be read, a dangling
/// symbolic link, or links that lead back to a folder above.
std::vector<InputFile> list_inputs(const std::vector<std::string>& inputs);

}  // namespace brt
