// SPDX-License-Identifier: Apache-2.0
// Compressed files under portable arithmetic go from machine to machine.
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/files.h"
#include "compression/compressed_file.h"
#include "compression/compression.h"
#include "engine/engine.h"
#include "portable/portable_case.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

std::string compressed(Engine& engine, std::string_view text) {
  std::string file;
  Compressor compressor(engine, ByteTokenizer(), [&](std::string_view bytes) { file += bytes; });
  compressor.append(text);
  compressor.finish();
  return file;
}

std::string decompressed(Engine& engine, const std::string& file) {
  std::string text;
  size_t at = 0;
  CompressedFileReader reader("file", [&](char* buffer, size_t size) {
    const size_t taken = file.copy(buffer, size, at);
    at += taken;
    return taken;
  });
  decompress(engine, ByteTokenizer(), reader, [&](std::string_view bytes) { text += bytes; });
  return text;
}

class PortableCompression : public PortableCase {
 protected:
  std::string text_ = read_file(source_folder() / "LICENSE").substr(0, 3000);
};

/// tests/portable/license.brt was written on x86 under the target amx.
TEST_P(PortableCompression, AFileOfAnotherMachineComesBack) {
  Engine engine(byte_model(), {.weights = WeightFormat::kInt8, .threads = 2});
  EXPECT_EQ(decompressed(engine, read_file(data_folder() / "license.brt")), text_);
}

TEST_P(PortableCompression, EveryMachineWritesTheSameFile) {
  Engine engine(byte_model(), {.weights = WeightFormat::kInt8, .threads = 1});
  if (writes_files()) {
    AtomicFile file(data_folder() / "license.brt");
    file.write(compressed(engine, text_));
    file.commit();
  }
  EXPECT_EQ(compressed(engine, text_), read_file(data_folder() / "license.brt"));
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         PortableCompression,
                         testing::ValuesIn(kernels::supported_targets()),
                         portable_case_name);

}  // namespace
}  // namespace brt
