// SPDX-License-Identifier: Apache-2.0
// Any text is a config.json or gives a brt::Error.
#include <cstdint>
#include <string>

#include "base/error.h"
#include "config/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(brt::count_parameters(brt::model_config_from_json(text, "config.json")));
  } catch (const brt::Error&) {
  }
  return 0;
}
