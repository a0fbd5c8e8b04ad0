// SPDX-License-Identifier: Apache-2.0
// Tensors to bytes and back. The header's checks stand in safetensors_header.cpp.
#include "torch_checkpoint/tensor_files.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "base/error.h"
#include "base/file_stream.h"
#include "base/files.h"
#include "safetensors/safetensors_header.h"
#include "safetensors/safetensors_layout.h"

namespace brt {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the format stores little-endian numbers");

constexpr std::pair<const char*, at::ScalarType> kScalarTypes[] = {
    {"BOOL", at::kBool}, {"U8", at::kByte},    {"I8", at::kChar},  {"I16", at::kShort},
    {"I32", at::kInt},   {"I64", at::kLong},   {"F16", at::kHalf}, {"BF16", at::kBFloat16},
    {"F32", at::kFloat}, {"F64", at::kDouble},
};

const char* dtype_word(at::ScalarType dtype) {
  for (const auto& [word, scalar_type] : kScalarTypes) {
    if (scalar_type == dtype) {
      return word;
    }
  }
  return nullptr;
}

at::ScalarType scalar_type(const SafetensorsEntry& entry, const std::filesystem::path& path) {
  for (const auto& [known, type] : kScalarTypes) {
    if (entry.dtype == known) {
      return type;
    }
  }
  throw CheckpointError(fmt::format("{}: tensor {} is of dtype {}, which cannot be read here",
                                    path.string(), quoted_tensor_name(entry.name), entry.dtype),
                        "convert it to F32, BF16, F16 or F64");
}

/// A file that stands at the first byte of its data.
struct OpenFile {
  std::ifstream stream;
  SafetensorsHeader header;
  uint64_t data_start = 0;
};

OpenFile open_safetensors(const std::filesystem::path& path) {
  SafetensorsLayout layout = read_safetensors_layout(path);
  OpenFile file;
  file.header = std::move(layout.header);
  file.data_start = layout.data_start;
  file.stream = open_stream(path);
  if (!file.stream.seekg(static_cast<std::streamoff>(file.data_start))) {
    throw CheckpointError(fmt::format("{}: cannot be opened again", path.string()));
  }
  return file;
}

at::Tensor read_tensor(OpenFile& file,
                       const SafetensorsEntry& entry,
                       const std::filesystem::path& path) {
  at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(scalar_type(entry, path)));
  const uint64_t bytes = entry.end - entry.begin;
  if (bytes == 0) {
    return tensor;
  }
  char* data = static_cast<char*>(tensor.data_ptr());
  // Entries come in order of offset and cover the data, so the stream stands at the right byte.
  if (!file.stream.read(data, static_cast<std::streamsize>(bytes))) {
    throw CheckpointError(fmt::format("{}: read failed at byte {}, in tensor {}", path.string(),
                                      file.data_start + entry.begin,
                                      quoted_tensor_name(entry.name)));
  }
  const bool is_bool = tensor.scalar_type() == at::kBool;
  if (is_bool &&
      std::any_of(data, data + bytes, [](char byte) { return byte != 0 && byte != 1; })) {
    throw CheckpointError(fmt::format("{}: tensor {} of dtype BOOL holds bytes other than 0 and 1",
                                      path.string(), quoted_tensor_name(entry.name)));
  }
  return tensor;
}

/// The entries in order of offset, without begin and end.
std::vector<SafetensorsEntry> entries_in_order(const TensorMap& tensors,
                                               const std::filesystem::path& path) {
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    const char* word = tensor.defined() ? dtype_word(tensor.scalar_type()) : nullptr;
    if (word == nullptr) {
      throw CheckpointError(fmt::format(
          "{}: tensor {} {}", path.string(), quoted_tensor_name(name),
          tensor.defined() ? "has a dtype that the format does not have" : "is undefined"));
    }
    entries.push_back({.name = name, .dtype = word, .shape = tensor.sizes().vec()});
  }
  std::ranges::stable_sort(entries, std::greater<>(), [](const SafetensorsEntry& entry) {
    return safetensors_element_bits(entry.dtype);
  });
  return entries;
}

}  // namespace

std::string safetensors_dtype(at::ScalarType dtype) {
  const char* word = dtype_word(dtype);
  if (word == nullptr) {
    throw CheckpointError(
        fmt::format("dtype {} does not exist in the safetensors format", c10::toString(dtype)));
  }
  return word;
}

WrittenFile save_safetensors(const std::filesystem::path& path,
                             const TensorMap& tensors,
                             const Metadata& metadata) {
  SafetensorsHeader header = {.entries = entries_in_order(tensors, path), .metadata = metadata};
  uint64_t offset = 0;
  for (SafetensorsEntry& entry : header.entries) {
    entry.begin = offset;
    offset += tensors.at(entry.name).nbytes();
    entry.end = offset;
  }
  const std::string text = safetensors_header_text(header, path.string());
  const uint64_t header_bytes = text.size();

  AtomicFile file(path);
  file.write(&header_bytes, sizeof(header_bytes));
  file.write(text);
  for (const SafetensorsEntry& entry : header.entries) {
    const at::Tensor tensor = tensors.at(entry.name).detach().to(at::kCPU).contiguous();
    file.write(tensor.const_data_ptr(), tensor.nbytes());
  }
  file.commit();
  return {.bytes = file.bytes_written(), .xxh3 = file.checksum()};
}

SafetensorsFile load_safetensors(const std::filesystem::path& path) {
  OpenFile file = open_safetensors(path);
  SafetensorsFile result;
  for (const SafetensorsEntry& entry : file.header.entries) {
    result.tensors[entry.name] = read_tensor(file, entry, path);
  }
  result.metadata = std::move(file.header.metadata);
  return result;
}

std::vector<TensorDescription> describe_safetensors(const std::filesystem::path& path,
                                                    Metadata* metadata) {
  OpenFile file = open_safetensors(path);
  std::vector<TensorDescription> descriptions;
  for (const SafetensorsEntry& entry : file.header.entries) {
    descriptions.push_back({.name = entry.name,
                            .dtype = entry.dtype,
                            .shape = entry.shape,
                            .bytes = static_cast<int64_t>(entry.end - entry.begin)});
  }
  std::ranges::sort(descriptions, {}, &TensorDescription::name);
  if (metadata != nullptr) {
    *metadata = std::move(file.header.metadata);
  }
  return descriptions;
}

}  // namespace brt
