// SPDX-License-Identifier: Apache-2.0
// Compressed files under portable arithmetic go from machine to machine.
#include <string>

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/files.h"
#include "compression/compressed_text.h"
#include "engine/engine.h"
#include "portable/portable_case.h"
#include "text/byte_tokenizer.h"

namespace brt {
namespace {

class PortableCompression : public PortableCase {
 protected:
  std::string text_ = read_file(source_folder() / "LICENSE").substr(0, 3000);
};

/// tests/portable/license.brt was written on x86 under the target amx.
TEST_P(PortableCompression, AFileOfAnotherMachineComesBack) {
  Engine engine(byte_model(), {.weights = WeightFormat::kInt8, .threads = 2});
  EXPECT_EQ(decompress_all(engine, ByteTokenizer(), read_file(data_folder() / "license.brt")),
            text_);
}

TEST_P(PortableCompression, EveryMachineWritesTheSameFile) {
  Engine engine(byte_model(), {.weights = WeightFormat::kInt8, .threads = 1});
  if (writes_files()) {
    AtomicFile file(data_folder() / "license.brt");
    file.write(compress(engine, ByteTokenizer(), text_));
    file.commit();
  }
  EXPECT_EQ(compress(engine, ByteTokenizer(), text_), read_file(data_folder() / "license.brt"));
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         PortableCompression,
                         testing::ValuesIn(kernels::supported_targets()),
                         kernels::target_name);

}  // namespace
}  // namespace brt
