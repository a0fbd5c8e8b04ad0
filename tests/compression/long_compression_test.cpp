// SPDX-License-Identifier: Apache-2.0
// Ten megabytes to their code and back; `make test-long` runs it.
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/seeded_random.h"
#include "compression/compression.h"
#include "engine/tiny_model_folder.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

constexpr size_t kTextBytes = 10'000'000;
constexpr size_t kPartBytes = size_t{1} << 16;

/// Compresses, decompresses and compares; the compressed size.
size_t there_and_back(Engine& engine, const std::string& text) {
  const ByteTokenizer tokenizer;
  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  std::string file;
  Compressor compressor(engine, tokenizer, [&](std::string_view bytes) { file += bytes; });
  for (size_t from = 0; from < text.size(); from += kPartBytes) {
    compressor.append(std::string_view(text).substr(from, kPartBytes));
  }
  compressor.finish();
  const std::chrono::steady_clock::time_point between = std::chrono::steady_clock::now();
  size_t next = 0;
  CompressedFileReader reader("file", [&](char* buffer, size_t size) {
    const size_t count = file.copy(buffer, size, next);
    next += count;
    return count;
  });
  size_t given_back = 0;
  bool is_equal = true;
  decompress(engine, tokenizer, reader, [&](std::string_view part) {
    is_equal = is_equal && text.compare(given_back, part.size(), part) == 0;
    given_back += part.size();
  });
  const std::chrono::steady_clock::time_point ended = std::chrono::steady_clock::now();
  EXPECT_TRUE(is_equal);
  EXPECT_EQ(given_back, text.size());
  std::printf("%zu bytes, %zu compressed, %.1f s, back in %.1f s\n", text.size(), file.size(),
              std::chrono::duration<double>(between - began).count(),
              std::chrono::duration<double>(ended - between).count());
  return file.size();
}

TEST(LongCompression, DISABLED_ZerosComeBack) {
  // A model that expects each token once more, so that its weights are read for every byte of zeros
  // instead of keeping them as bytes.
  const TinyModelFolder model;
  model.change("embedding.weight", [](float& value, int64_t /*index*/) { value *= 4.0F; });
  Engine engine(model.path(), {.threads = 1});
  EXPECT_LT(there_and_back(engine, std::string(kTextBytes, '\0')), kTextBytes / 2);
}

TEST(LongCompression, DISABLED_RandomBytesComeBackAndHardlyGrow) {
  SeededRandom random(11);
  std::string text;
  while (text.size() < kTextBytes) {
    text.push_back(static_cast<char>(random.below(256)));
  }
  EXPECT_LT(there_and_back(tiny_engine(), text), kTextBytes + kTextBytes / 1000);
}

}  // namespace
}  // namespace brt
