// SPDX-License-Identifier: Apache-2.0
// Any file is a state or gives a brt::Error; a state that was loaded can be sampled and read on.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "engine/state_file.h"
#include "fuzz_model.h"
#include "generate/sampler.h"
#include "generate/stop_strings.h"
#include "memory_file.h"

namespace brt {
namespace {

constexpr size_t kFixedBytes = 20;  // "BRTSTATE", version, size of the header

void append_checksum(std::string& bytes) { append_little_endian(bytes, hash_bytes(bytes)); }

/// The buffers of a sound file.
std::string sound_buffers() {
  std::string buffers;
  StreamState state = fuzz_model().engine->begin();
  fuzz_model().engine->feed(state, std::array<int32_t, 6>{1, 2, 3, 4, 5, 6});
  state.for_each_part([&](const std::string&, std::span<const std::byte> part) {
    buffers.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return buffers;
}

/// An input that begins as JSON does is a header, put into a file that is sound otherwise; any
/// other is a file whose checksum is made right.
std::string file_of(std::string_view input) {
  static const std::string buffers = sound_buffers();
  std::string bytes;
  if (input.starts_with('{')) {
    bytes = "BRTSTATE";
    append_little_endian(bytes, kStateFormatVersion);
    append_little_endian(bytes, static_cast<uint64_t>(input.size()));
    bytes += input;
    bytes += buffers;
  } else if (input.size() >= kFixedBytes + sizeof(uint64_t)) {
    bytes = input.substr(0, input.size() - sizeof(uint64_t));
  } else {
    return std::string(input);
  }
  append_checksum(bytes);
  return bytes;
}

void go_on(Session& session) {
  Engine& engine = *fuzz_model().engine;
  StopStrings stop({"ab", "b\n"}, session.text.stop_text);
  Sampler sampler(session.text.sampler);
  for (int i = 0; i < 5; ++i) {  // past the end of a block
    int32_t token = 65;
    if (session.stream.tokens_read() > 0) {
      token = sampler.sample(session.stream.logits(), session.text.recent_tokens,
                             session.stream.tokens_read());
    }
    stop.push(fuzz_model().tokenizer.token_bytes(token));
    engine.feed(session.stream, {&token, 1});
    session.text.remember({&token, 1});
  }
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const brt::MemoryFile file(
      brt::file_of(std::string_view(reinterpret_cast<const char*>(data), size)));
  try {
    const brt::StateFile state = brt::read_state_file(file.path());
    if (!brt::compare_parts(state, state).empty()) {
      std::abort();
    }
    std::string note;
    brt::Session session =
        brt::load_state(file.path(), *brt::fuzz_model().engine, brt::fuzz_model().tokenizer, note);
    brt::go_on(session);
  } catch (const brt::Error&) {
  }
  return 0;
}
