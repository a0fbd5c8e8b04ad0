// SPDX-License-Identifier: Apache-2.0
// A folder of prepared data: one split of four short documents in bytes, the same in every process.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "data/dataset_manifest.h"
#include "data/lanes.h"
#include "data/prepared_data.h"
#include "data/shard.h"
#include "scratch_folder.h"
#include "text/byte_tokenizer.h"

namespace brt {

inline constexpr const char* kFuzzSplit = "train";

/// What restores and saves offsets in the split.
inline LaneOptions fuzz_lane_options() {
  return {.lanes = 2, .segment = 3, .seed = 7, .shuffle = true, .repeat = true};
}

class FuzzData {
 public:
  FuzzData() {
    scratch_.put(std::string(kFuzzSplit) + "/placeholder", "");
    const std::string file = "shard-00000.bin";
    ShardWriter writer(scratch_.path() / kFuzzSplit / file, ByteTokenizer().vocab_size());
    for (int document = 0; document < 4; ++document) {
      for (int word = 0; word <= document; ++word) {
        const std::array<int32_t, 3> tokens = {65 + document, 98, 32};
        writer.append_tokens(tokens);
      }
      writer.append_tokens(std::array<int32_t, 1>{ByteTokenizer::kDocumentEnd});
      writer.end_document(fmt::format("document {}", document), 3 * (document + 1), document + 1);
    }
    ShardSummary shard = writer.finish();
    shard.file = file;
    DatasetManifest manifest;
    manifest.tokenizer_kind = "bytes";
    manifest.vocab_size = ByteTokenizer().vocab_size();
    manifest.tokenizer_fingerprint = ByteTokenizer().fingerprint();
    manifest.splits[kFuzzSplit] = {shard};
    write_manifest(scratch_.path(), manifest);
  }

  const ScratchFolder& scratch() const { return scratch_; }

 private:
  ScratchFolder scratch_;
};

/// Of this process.
inline const FuzzData& fuzz_data() {
  static const FuzzData data;
  return data;
}

}  // namespace brt
