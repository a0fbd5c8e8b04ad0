// SPDX-License-Identifier: Apache-2.0
// The tokenizer that needs no training: a token a byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace brt {

/// Tokens 0..255 are the bytes, 256 is the document end.
class ByteTokenizer final : public Tokenizer {
 public:
  static constexpr int32_t kDocumentEnd = 256;

  std::string kind() const override { return "bytes"; }
  int64_t vocab_size() const override { return kDocumentEnd + 1; }
  int32_t document_end() const override { return kDocumentEnd; }
  void encode(std::string_view piece, std::vector<int32_t>& tokens) const override;
  std::string_view token_bytes(int32_t token) const override;
  bool is_lossless() const override { return true; }
  const std::string& serialized() const override { return serialized_; }

 private:
  std::string serialized_;  ///< always empty
};

}  // namespace brt
