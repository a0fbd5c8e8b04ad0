// SPDX-License-Identifier: Apache-2.0
// The safetensors format: named tensors after a JSON header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "checkpoint/written_file.h"

namespace brt {

using TensorMap = std::map<std::string, at::Tensor>;
using Metadata = std::map<std::string, std::string>;

struct SafetensorsFile {
  TensorMap tensors;
  Metadata metadata;
};

/// Writes tensors atomically, one after the other without holes, wide dtypes first, then by name:
/// the data begin at a multiple of 64 bytes and every tensor at a multiple of its element's size.
/// The bytes are a function of tensors and metadata only. Tensors that are not contiguous or not in
/// main memory are copied one at a time.
/// @return size and checksum of what was handed to the file, whatever reaches the disk
/// @throws CheckpointError for names that are not UTF-8 and for dtypes other than BOOL, U8, I8,
/// I16, I32, I64, F16, BF16, F32, F64.
WrittenFile save_safetensors(const std::filesystem::path& path,
                             const TensorMap& tensors,
                             const Metadata& metadata = {});

/// Reads a whole file; tensors own their storage.
/// @throws CheckpointError naming the file and what is wrong: truncated, header over 100 MB or not
/// JSON, unknown dtype or one that LibTorch's tensors here do not have (named), shape and offsets
/// that disagree, overlapping or uncovered ranges.
SafetensorsFile load_safetensors(const std::filesystem::path& path);

/// The format's word for a dtype ("F32"). @throws CheckpointError if it has none.
std::string safetensors_dtype(at::ScalarType dtype);

/// Name, dtype word, shape of each tensor, from the header alone.
struct TensorDescription {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  int64_t bytes = 0;
};
/// Sorted by name. @throws CheckpointError as load_safetensors.
std::vector<TensorDescription> describe_safetensors(const std::filesystem::path& path,
                                                    Metadata* metadata = nullptr);

}  // namespace brt
