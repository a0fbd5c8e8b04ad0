// SPDX-License-Identifier: Apache-2.0
// Any text is the output of brt eval --json, as a report reads it, or gives a brt::Error. The rest
// of a run folder, which is the same for every input, is read only for those that the page is made
// of.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "fuzz_input.h"
#include "fuzz_run_record.h"
#include "memory_file.h"
#include "report/run_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const brt::FuzzRunRecord run;
  const std::string_view input = brt::input_text(data, size);
  try {
    static_cast<void>(brt::read_evaluation(brt::MemoryFile(input).path()));
    if (brt::FuzzRunRecord::wants_page(input)) {
      run.scratch().put("evaluation/carried.json", input);
      run.make_page();
    }
  } catch (const brt::Error&) {
  }
  return 0;
}
