// SPDX-License-Identifier: Apache-2.0
// Compressed files in memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "compression/compressed_file.h"
#include "compression/compression.h"
#include "engine/engine.h"
#include "text/tokenizer.h"

namespace brt {

inline std::string compress(Engine& engine,
                            const Tokenizer& tokenizer,
                            std::string_view text,
                            size_t part = 1000) {
  std::string file;
  Compressor compressor(engine, tokenizer, [&](std::string_view bytes) { file += bytes; });
  for (size_t from = 0; from < text.size(); from += part) {
    compressor.append(text.substr(from, part));
  }
  compressor.finish();
  EXPECT_EQ(compressor.bytes_written(), file.size());
  EXPECT_EQ(compressor.content().bytes, text.size());
  return file;
}

/// Gives out a file in reads of at most `most` bytes.
inline ByteSource source_of(const std::string& file, size_t most = 1 << 20) {
  return [&file, most, next = size_t{0}](char* buffer, size_t size) mutable {
    const size_t got = std::min({size, most, file.size() - next});
    std::copy_n(file.data() + next, got, buffer);
    next += got;
    return got;
  };
}

inline std::string decompress_all(Engine& engine,
                                  const Tokenizer& tokenizer,
                                  const std::string& file,
                                  size_t most = 1 << 20) {
  CompressedFileReader reader("file", source_of(file, most));
  std::string text;
  decompress(engine, tokenizer, reader, [&](std::string_view bytes) { text += bytes; });
  return text;
}

}  // namespace brt
