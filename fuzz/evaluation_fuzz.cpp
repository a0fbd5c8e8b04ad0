// SPDX-License-Identifier: Apache-2.0
// Any text is the output of brt eval --json, as a report reads it, or gives a brt::Error.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "fuzz_input.h"
#include "fuzz_run_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const brt::FuzzRunRecord run;
  const std::string_view input = brt::input_text(data, size);
  run.scratch().put("evaluation/carried.json", input);
  try {
    run.read(input);
  } catch (const brt::Error&) {
  }
  return 0;
}
