// SPDX-License-Identifier: Apache-2.0
// Bytes to tokens and back.
#include "text/byte_tokenizer.h"

#include <array>

#include "base/error.h"

namespace brt {
namespace {

std::array<char, 256> all_bytes() {
  std::array<char, 256> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(static_cast<unsigned char>(i));
  }
  return bytes;
}

}  // namespace

void ByteTokenizer::encode(std::string_view piece, std::vector<int32_t>& tokens) const {
  tokens.reserve(tokens.size() + piece.size());
  for (const char byte : piece) {
    tokens.push_back(static_cast<unsigned char>(byte));
  }
}

std::string_view ByteTokenizer::token_bytes(int32_t token) const {
  static const std::array<char, 256> bytes = all_bytes();
  if (token < 0 || token > kDocumentEnd) {
    throw DataError("token " + std::to_string(token) + " is outside [0, 257)");
  }
  if (token == kDocumentEnd) {
    return {};
  }
  return {&bytes[static_cast<size_t>(token)], 1};
}

}  // namespace brt
