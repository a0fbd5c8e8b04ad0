// SPDX-License-Identifier: Apache-2.0
// State files: tensors and metadata under one checksum.
#include "generate/state_file.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <ATen/ATen.h>

#include "base/error.h"
#include "base/hash.h"
#include "checkpoint/safetensors.h"

namespace brt {
namespace {

constexpr const char* kFormat = "brt-state";
constexpr int64_t kFormatVersion = 1;

void hash_text_into(StreamingHash& hash, std::string_view text) {
  const uint64_t size = text.size();
  hash.update(&size, sizeof(size));  // so that joined texts cannot be taken apart elsewhere
  hash.update(text.data(), text.size());
}

/// Over every tensor (name, dtype, shape, bytes) and every entry of the metadata but itself.
std::string checksum_of(const TensorMap& tensors, const Metadata& metadata) {
  StreamingHash hash;
  for (const auto& [key, value] : metadata) {
    if (key != "checksum") {
      hash_text_into(hash, key);
      hash_text_into(hash, value);
    }
  }
  for (const auto& [name, tensor] : tensors) {
    hash_text_into(hash, name);
    hash_text_into(hash, at::toString(tensor.scalar_type()));
    hash.update(tensor.sizes().data(), tensor.sizes().size() * sizeof(int64_t));
    const at::Tensor contiguous = tensor.contiguous();
    hash.update(contiguous.data_ptr(), contiguous.nbytes());
  }
  return hash_text(hash.digest());
}

[[noreturn]] void fail(const std::filesystem::path& path,
                       const std::string& problem,
                       const std::string& hint = "") {
  throw CheckpointError(path.string() + ": " + problem, hint);
}

const std::string& metadata_value(const std::filesystem::path& path,
                                  const Metadata& metadata,
                                  const std::string& key) {
  const Metadata::const_iterator found = metadata.find(key);
  if (found == metadata.end()) {
    fail(path, "the state file lacks \"" + key + "\" in its metadata");
  }
  return found->second;
}

template <class Number>
Number metadata_number(const std::filesystem::path& path,
                       const Metadata& metadata,
                       const std::string& key,
                       int base = 10) {
  const std::string& text = metadata_value(path, metadata, key);
  Number number = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, number, base);
  if (read.ec != std::errc() || read.ptr != end) {
    fail(path, "\"" + key + "\" must be a number, got \"" + text + "\"");
  }
  return number;
}

SafetensorsFile load_verified(const std::filesystem::path& path) {
  SafetensorsFile file = load_safetensors(path);
  const Metadata::const_iterator format = file.metadata.find("format");
  if (format == file.metadata.end() || format->second != kFormat) {
    fail(path, "not a state file", "state files are written by brt generate --state-out");
  }
  const int64_t version = metadata_number<int64_t>(path, file.metadata, "format_version");
  if (version != kFormatVersion) {
    fail(path, "state format version must be " + std::to_string(kFormatVersion) + ", got " +
                   std::to_string(version));
  }
  const std::string expected = metadata_value(path, file.metadata, "checksum");
  const std::string got = checksum_of(file.tensors, file.metadata);
  if (expected != got) {
    fail(path, "the state file is damaged: its checksum must be " + expected + ", is " + got,
         "copy it again, or read the text anew with brt generate --state-out");
  }
  return file;
}

/// Takes a tensor out of the map, checked.
at::Tensor take(const std::filesystem::path& path,
                TensorMap& tensors,
                const std::string& name,
                at::ScalarType dtype) {
  const TensorMap::iterator found = tensors.find(name);
  if (found == tensors.end() || found->second.dim() != 1 || found->second.scalar_type() != dtype) {
    fail(path, "the state file lacks the vector \"" + name + "\" of type " + at::toString(dtype));
  }
  at::Tensor tensor = found->second;
  tensors.erase(found);
  return tensor;
}

}  // namespace

void save_state(const std::filesystem::path& path,
                const StreamState& state,
                uint64_t model_fingerprint) {
  TensorMap tensors = state.carry.tensors();
  tensors["logits"] = state.logits_V;
  at::Tensor recent = at::empty({static_cast<int64_t>(state.recent_tokens.size())}, at::kInt);
  std::copy(state.recent_tokens.begin(), state.recent_tokens.end(), recent.data_ptr<int32_t>());
  tensors["recent_tokens"] = recent;
  Metadata metadata = {
      {"format", kFormat},
      {"format_version", std::to_string(kFormatVersion)},
      {"model_fingerprint", hash_text(model_fingerprint)},
      {"tokens_read", std::to_string(state.tokens_read)},
      {"seed", std::to_string(state.seed)},
  };
  metadata["checksum"] = checksum_of(tensors, metadata);
  save_safetensors(path, tensors, metadata);
}

StreamState load_state(const std::filesystem::path& path,
                       const ModelConfig& config,
                       uint64_t model_fingerprint) {
  SafetensorsFile file = load_verified(path);
  const std::string expected = hash_text(model_fingerprint);
  const std::string& got = metadata_value(path, file.metadata, "model_fingerprint");
  if (got != expected) {
    fail(path,
         "the state belongs to another model: the fingerprint must be " + expected +
             ", the state's is " + got,
         "give the model that the state was saved with");
  }
  StreamState state;
  state.tokens_read = metadata_number<int64_t>(path, file.metadata, "tokens_read");
  state.seed = metadata_number<uint64_t>(path, file.metadata, "seed");
  state.logits_V = take(path, file.tensors, "logits", at::kFloat);
  const at::Tensor recent = take(path, file.tensors, "recent_tokens", at::kInt).contiguous();
  const int32_t* tokens = recent.data_ptr<int32_t>();
  state.recent_tokens.assign(tokens, tokens + recent.numel());
  for (const int32_t token : state.recent_tokens) {
    if (token < 0 || token >= config.vocab_size) {
      fail(path, "recent token " + std::to_string(token) + " is not in the model's vocabulary");
    }
  }
  state.carry = carry_from_tensors(config, file.tensors);
  return state;
}

StateFileInfo describe_state(const std::filesystem::path& path) {
  const SafetensorsFile file = load_verified(path);
  StateFileInfo info;
  info.format_version = kFormatVersion;
  info.model_fingerprint = metadata_number<uint64_t>(path, file.metadata, "model_fingerprint", 16);
  info.tokens_read = metadata_number<int64_t>(path, file.metadata, "tokens_read");
  for (const auto& [name, tensor] : file.tensors) {
    info.bytes += static_cast<int64_t>(tensor.nbytes());
  }
  return info;
}

}  // namespace brt
