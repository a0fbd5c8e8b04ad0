// SPDX-License-Identifier: Apache-2.0
// Any bytes are a metrics.jsonl or give a brt::Error in a report; a run that goes on keeps whole
// lines of steps so far, appends to them, and takes nothing from them a second time.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "fuzz_input.h"
#include "fuzz_run_record.h"
#include "train/metrics_log.h"

namespace brt {
namespace {

void go_on(const std::filesystem::path& path) {
  constexpr int64_t kLastStep = 20;
  {
    const MetricsLog log(path, kLastStep);
  }
  const std::string kept = read_file(path);
  require_of_parser(kept.empty() || kept.ends_with('\n'));
  const std::string line = R"({"step":20})";
  MetricsLog(path, kLastStep).append(line);
  {
    const MetricsLog log(path, kLastStep);
  }
  require_of_parser(read_file(path) == kept + line + "\n");
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const brt::FuzzRunRecord run;
  const std::string_view input = brt::input_text(data, size);
  run.scratch().put("metrics.jsonl", input);
  try {
    run.read();
    if (brt::FuzzRunRecord::wants_page(input)) {
      run.make_page();
    }
  } catch (const brt::Error&) {
  }
  brt::go_on(run.scratch().path() / "metrics.jsonl");
  return 0;
}
