// SPDX-License-Identifier: Apache-2.0
// Any text is a recipe or gives a brt::Error; a recipe that was read is printed and read again
// alike.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "config/run_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const brt::RunConfig config = brt::parse_run_config(text, "recipe", {});
    if (brt::parse_run_config(brt::run_config_to_toml(config), "again", {}) != config) {
      std::abort();
    }
  } catch (const brt::Error&) {
  }
  return 0;
}
