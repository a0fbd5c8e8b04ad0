// SPDX-License-Identifier: Apache-2.0
// Which files the inputs of `brt prepare` stand for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/passed_over.h"

namespace brt {

struct InputFile {
  std::filesystem::path path;  ///< "-": standard input
  std::string name;            ///< of the document: the path below the folder, or the file's name
  bool named = false;          ///< an input itself, not found in a folder
};

/// The files in the order they are read: inputs as given, a folder's files by path. Counts what is
/// passed over; a hidden folder is one.
/// @throws DataError for a missing input, a folder that cannot be read, a dangling symbolic link,
/// or links that lead back to a folder above.
std::vector<InputFile> list_inputs(const std::vector<std::string>& inputs, PassedOver& passed_over);

}  // namespace brt
