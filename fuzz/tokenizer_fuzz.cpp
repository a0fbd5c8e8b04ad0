// SPDX-License-Identifier: Apache-2.0
// Any file is a tokenizer or gives a brt::Error; a lossless one gives back what it was given.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "memory_file.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const brt::MemoryFile file(std::string_view(reinterpret_cast<const char*>(data), size));
  const std::string text = "Some  text\n\twith \xff bytes.";
  try {
    const std::unique_ptr<brt::Tokenizer> tokenizer = brt::load_tokenizer(file.path().string());
    const std::string back = tokenizer->decode(tokenizer->encode_document(text));
    if (tokenizer->is_lossless() && back != text) {
      std::abort();
    }
  } catch (const brt::Error&) {
  }
  return 0;
}
