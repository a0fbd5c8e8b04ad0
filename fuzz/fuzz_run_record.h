// SPDX-License-Identifier: Apache-2.0
// A run folder as the report reads it, with one evaluation and two lines of metrics.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "fuzz_input.h"
#include "report/report.h"
#include "report/run_record.h"
#include "scratch_folder.h"

namespace brt {

inline constexpr std::string_view kFuzzMetrics =
    R"({"step":1,"tokens":512,"loss":5.5,"bits_per_token":8.0,"bits_per_byte":8.0,"lr":0.01,)"
    R"("grad_norm":1.0,"tokens_per_second":900.5,"seconds":1.5,"epoch":0,"skipped_steps":0,)"
    R"("gates":{"layers.0.cell.gate.bias":{"mean":0.5,"p1":0.1,"p99":0.9}},)"
    R"("state_rms":{"0":0.25}})"
    "\n"
    R"({"step":20,"tokens":10240,"bits_per_token":3.0,"bits_per_byte":3.0,"tokens_per_second":950,)"
    R"("seconds":30.25,"gates":{"layers.0.cell.gate.bias":{"mean":0.5,"p1":0.1,"p99":0.9}},)"
    R"("state_rms":{"0":null},"validation":{"bits_per_token":3.5,"bits_per_byte":3.5,)"
    R"("bits_per_token_zero_state":3.6}})"
    "\n";

inline constexpr std::string_view kFuzzEvaluation =
    R"({"model":"run","data":"data","split":"test","carry":"carried","documents":2,"tokens":3000,)"
    R"("bytes":3000,"words":500,"nats_per_token":2.0,"bits_per_token":2.5,"bits_per_byte":2.5,)"
    R"("token_perplexity":6.0,"word_perplexity":90.0,"by_position":[{"from":0,"to":512,)"
    R"("tokens":1024,"bits_per_token":2.7},{"from":512,"to":1024,"tokens":1024,)"
    R"("bits_per_token":2.4}],"tokens_per_second":5000.0})";

class FuzzRunRecord {
 public:
  FuzzRunRecord() {
    scratch_.put("config.toml", "[model]\nrecurrent_layers = [0]\n");
    scratch_.put("metrics.jsonl", kFuzzMetrics);
    scratch_.put("evaluation/carried.json", kFuzzEvaluation);
    scratch_.put("sample.txt", "a sample");
  }

  const ScratchFolder& scratch() const { return scratch_; }

  /// Whether the page is to be made of a folder with this input too, which takes much longer than
  /// to read it: so for one in 256, chosen by its bytes.
  static bool wants_page(std::string_view input) {
    constexpr uint64_t kOneIn = 256;
    return hash_bytes(input) % kOneIn == 0;
  }

  void read() const { static_cast<void>(read_run_record("run", scratch_.path())); }

  void make_page() const {
    const std::string page =
        render_report({.runs = {{.name = "a & b", .folder = scratch_.path()}}});
    require_of_parser(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
  }

 private:
  ScratchFolder scratch_;
};

}  // namespace brt
