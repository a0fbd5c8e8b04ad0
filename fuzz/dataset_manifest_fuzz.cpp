// SPDX-License-Identifier: Apache-2.0
// Any text is a dataset.json or gives a brt::Error; what was read is written and read again alike,
// and every document of a split that opens can be read.
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/dataset_manifest.h"
#include "data/prepared_data.h"
#include "fuzz_data.h"
#include "fuzz_input.h"

namespace brt {
namespace {

void require_same(const DatasetManifest& one, const DatasetManifest& other) {
  require_of_parser(
      one.tokenizer_kind == other.tokenizer_kind && one.vocab_size == other.vocab_size &&
      one.tokenizer_fingerprint == other.tokenizer_fingerprint && one.splits == other.splits);
}

void read_all(const PreparedSplit& split) {
  for (int64_t document = 0; document < split.num_documents(); ++document) {
    std::vector<int32_t> tokens(static_cast<size_t>(split.document(document).tokens));
    split.read(document, 0, tokens);
  }
}

void read_folder(const std::filesystem::path& folder) {
  const PreparedData data(folder);
  for (const std::string& name : data.split_names()) {
    try {
      read_all(data.open_split(name));
    } catch (const Error&) {  // of this split
    }
  }
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const brt::ScratchFolder& folder = brt::fuzz_data().scratch();
  static const brt::ScratchFolder again;
  folder.put("dataset.json", brt::input_text(data, size));
  try {
    const brt::DatasetManifest manifest = brt::read_manifest(folder.path());
    brt::write_manifest(again.path(), manifest);
    brt::require_same(manifest, brt::read_manifest(again.path()));
    brt::read_folder(folder.path());
  } catch (const brt::Error&) {
  }
  return 0;
}
