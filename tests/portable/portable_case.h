// SPDX-License-Identifier: Apache-2.0
// Portable arithmetic on one target, and the files of tests/portable.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <span>
#include <string_view>

#include "kernels/cpu_target.h"
#include "kernels/kernel_values.h"

namespace brt {

inline std::filesystem::path source_folder() { return BRT_SOURCE_DIR; }
inline std::filesystem::path data_folder() { return source_folder() / "tests" / "portable"; }
/// A small model of bytes.
inline std::filesystem::path byte_model() { return data_folder() / "byte_model"; }

/// Whether the files are to be written anew, after a change of formats or of the arithmetic itself.
inline bool writes_files() { return std::getenv("BRT_WRITE_PORTABLE_FILES") != nullptr; }

inline std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

class PortableCase : public kernels::OnEachTarget {
 protected:
  void SetUp() override {
    OnEachTarget::SetUp();
    kernels::use_portable_arithmetic(true);
  }
  void TearDown() override {
    kernels::use_portable_arithmetic(false);
    OnEachTarget::TearDown();
  }
};

}  // namespace brt
