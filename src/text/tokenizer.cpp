// SPDX-License-Identifier: Apache-2.0
// What all tokenizers share, and which one a name or a folder means.
#include "text/tokenizer.h"

#include <optional>
#include <system_error>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "config/bounded_json.h"
#include "text/byte_tokenizer.h"
#include "text/sentencepiece_tokenizer.h"
#include "text/text_chunker.h"

namespace brt {
namespace {

constexpr const char* kHint =
    "give \"bytes\" or the path of a SentencePiece model; `brt tokenizer train` makes one";

constexpr const char* kModelName = "tokenizer.model";
constexpr const char* kConfigName = "config.json";

/// Whether a model's config.json says "tokenizer": "bytes". Nothing if there is none or it is no
/// object: who reads the model reports that.
std::optional<bool> config_says_bytes(const std::filesystem::path& config) {
  std::error_code error;
  if (!std::filesystem::exists(config, error)) {
    return std::nullopt;
  }
  const std::optional<nlohmann::json> root = try_bounded_json<nlohmann::json>(read_file(config));
  if (!root || !root->is_object()) {
    return std::nullopt;
  }
  return root->contains("tokenizer") && root->at("tokenizer") == "bytes";
}

}  // namespace

void Tokenizer::encode_with_offsets(std::string_view piece,
                                    std::vector<int32_t>& tokens,
                                    std::vector<size_t>& offsets) const {
  const size_t before = tokens.size();
  encode(piece, tokens);
  size_t offset = 0;
  for (size_t i = before; i < tokens.size(); ++i) {
    offsets.push_back(offset);
    offset += token_bytes(tokens[i]).size();
  }
}

uint64_t Tokenizer::fingerprint() const { return hash_bytes(serialized(), hash_bytes(kind())); }

std::vector<int32_t> Tokenizer::encode_document(std::string_view text) const {
  std::vector<int32_t> tokens;
  TextChunker chunker;
  chunker.append(text);
  chunker.finish();
  while (const std::optional<std::string> piece = chunker.next()) {
    encode(*piece, tokens);
  }
  return tokens;
}

std::string Tokenizer::decode(const std::vector<int32_t>& tokens) const {
  std::string text;
  for (const int32_t token : tokens) {
    text += token_bytes(token);
  }
  if (adds_leading_space() && text.starts_with(' ')) {
    text.erase(0, 1);
  }
  return text;
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& name_or_path) {
  if (name_or_path == "bytes") {
    return std::make_unique<ByteTokenizer>();
  }
  const std::filesystem::path path(name_or_path);
  if (!std::filesystem::exists(path)) {
    throw DataError("tokenizer: no file \"" + name_or_path + "\"", kHint);
  }
  if (std::filesystem::is_directory(path)) {
    throw DataError("tokenizer: \"" + name_or_path + "\" is a folder, not a file", kHint);
  }
  return std::make_unique<SentencePieceTokenizer>(read_file(path), name_or_path);
}

std::unique_ptr<Tokenizer> load_folder_tokenizer(const std::filesystem::path& folder) {
  const std::filesystem::path model = folder / kModelName;
  return load_tokenizer(std::filesystem::exists(model) ? model.string() : "bytes");
}

std::unique_ptr<Tokenizer> load_model_tokenizer(const std::filesystem::path& folder) {
  const std::filesystem::path model = folder / kModelName;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(model, error);
  const bool is_there = status.type() != std::filesystem::file_type::not_found;
  const std::optional<bool> says_bytes = config_says_bytes(folder / kConfigName);
  if (is_there && says_bytes == true) {
    throw CheckpointError(
        model.string() + ": is there, but " + kConfigName +
            " beside it says \"tokenizer\": \"bytes\"",
        "delete the one that the model was not trained with: the file, or the key");
  }
  if (!is_there && says_bytes == false) {
    throw CheckpointError(
        model.string() + ": is missing, and " + kConfigName +
            " beside it does not say \"tokenizer\": \"bytes\"",
        "copy the tokenizer.model that the model was trained with into the folder; if it was "
        "trained on bytes, add that key");
  }
  return load_tokenizer(is_there ? model.string() : "bytes");
}

}  // namespace brt
