// SPDX-License-Identifier: Apache-2.0
// Any sequence of calls of include/brt/brt.h, drawn from the input, gives results or errors with a
// message: NULL, counts without memory behind them, tokens that are none, the document's end, state
// files that were altered. A call that failed has changed nothing; a fork, and a stream that was
// saved and loaded, stand where the first does, bit for bit.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <brt/brt.h>

#include "base/files.h"
#include "base/hash.h"
#include "fuzz_input.h"
#include "fuzz_model.h"

namespace brt {
namespace {

constexpr size_t kStreams = 3;
constexpr size_t kMostCalls = 4;
constexpr size_t kHugeCount = std::numeric_limits<size_t>::max() / 8;
constexpr int32_t kOddTokens[] = {-1, ByteTokenizer::kDocumentEnd, 257,
                                  std::numeric_limits<int32_t>::max(),
                                  std::numeric_limits<int32_t>::min()};
constexpr double kNumbers[] = {1.0,
                               0.0,
                               -0.0,
                               0.5,
                               1e-300,
                               2.0,
                               -1.0,
                               1e300,
                               std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()};
constexpr int64_t kCounts[] = {
    0, 1, 3, 64, -1, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};

/// Models of every weight format, and a file for states.
struct Library {
  FuzzModelFolder folder;
  ScratchFolder scratch;
  std::array<brt_model*, 3> models = {brt_model_load(folder.path().c_str(), BRT_WEIGHTS_FP32, 1),
                                      brt_model_load(folder.path().c_str(), BRT_WEIGHTS_BF16, 1),
                                      brt_model_load(folder.path().c_str(), BRT_WEIGHTS_INT8, 1)};
  std::string state_path = (scratch.path() / "stream.state").string();

  Library() = default;
  ~Library() {
    for (brt_model* model : models) {
      brt_model_free(model);
    }
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

Library& library() {
  static Library loaded;
  return loaded;
}

/// What can be seen of a stream.
struct View {
  int64_t tokens_read = 0;
  std::vector<float> logits;

  explicit View(const brt_stream* stream) : tokens_read(brt_stream_tokens_read(stream)) {
    size_t count = 0;
    const float* values = brt_stream_logits(stream, &count);
    require_of_parser((values == nullptr) == (count == 0));
    logits.assign(values, values + count);
  }
  bool operator==(const View& other) const {
    return tokens_read == other.tokens_read && logits.size() == other.logits.size() &&
           (logits.empty() ||
            std::memcmp(logits.data(), other.logits.data(), logits.size() * sizeof(float)) == 0);
  }
};

void require_message() { require_of_parser(*brt_last_error() != '\0'); }

/// One sequence of calls on one model.
class Caller {
 public:
  explicit Caller(std::string_view input)
      : input_(input), model_(library().models[input_.byte() % library().models.size()]) {
    require_of_parser(model_ != nullptr);
  }
  ~Caller() {
    for (brt_stream* stream : streams_) {
      brt_stream_free(stream);
    }
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void run() {
    using Call = void (Caller::*)();
    constexpr Call kCalls[] = {&Caller::renew,       &Caller::feed,        &Caller::feed_several,
                               &Caller::set_sampler, &Caller::fork,        &Caller::sample,
                               &Caller::encode,      &Caller::token_bytes, &Caller::save_and_load,
                               &Caller::pass_null};
    for (size_t call = 0; call < kMostCalls && !input_.is_empty(); ++call) {
      (this->*input_.one_of(kCalls))();
    }
  }

 private:
  InputBytes input_;
  brt_model* model_;
  std::array<brt_stream*, kStreams> streams_ = {};

  size_t slot() { return input_.byte() % kStreams; }
  /// May be NULL.
  brt_stream* any() { return streams_[slot()]; }
  /// Is not.
  brt_stream* some() {
    brt_stream*& stream = streams_[slot()];
    if (stream == nullptr) {
      put(stream, brt_stream_new(model_));
    }
    return stream;
  }
  static void put(brt_stream*& place, brt_stream* stream) {
    require_of_parser(stream != nullptr);
    brt_stream_free(place);
    place = stream;
  }

  /// A few tokens; one in sixteen is odd.
  std::vector<int32_t> tokens() {
    std::vector<int32_t> list(input_.byte() % 4);
    for (int32_t& token : list) {
      const uint8_t byte = input_.byte();
      token = byte < 16 ? input_.one_of(kOddTokens) : byte;
    }
    return list;
  }

  void renew() {
    brt_stream*& stream = streams_[slot()];
    if (input_.byte() % 2 == 0) {
      put(stream, brt_stream_new(model_));
    } else {
      brt_stream_free(stream);
      stream = nullptr;
    }
  }

  void feed() {
    brt_stream* stream = any();
    const std::vector<int32_t> list = tokens();
    if (stream == nullptr) {
      require_of_parser(brt_stream_feed(nullptr, list.data(), list.size()) < 0);
      return;
    }
    const View before(stream);
    if (brt_stream_feed(stream, list.data(), list.size()) < 0) {
      require_message();
      require_of_parser(View(stream) == before);
    } else {
      require_of_parser(brt_stream_tokens_read(stream) ==
                        before.tokens_read + static_cast<int64_t>(list.size()));
    }
  }

  void feed_several() {
    std::array<std::vector<int32_t>, kStreams> lists;
    std::vector<brt_feed> feeds;
    std::vector<View> before;
    const size_t count = input_.byte() % (kStreams + 1);
    for (size_t i = 0; i < count; ++i) {
      lists[i] = tokens();
      feeds.push_back({.stream = any(), .tokens = lists[i].data(), .num_tokens = lists[i].size()});
      if (lists[i].empty() && input_.byte() % 2 == 0) {
        feeds[i] = {.stream = feeds[i].stream, .tokens = nullptr, .num_tokens = kHugeCount};
      }
    }
    for (const brt_stream* stream : streams_) {
      if (stream != nullptr) {
        before.emplace_back(stream);
      }
    }
    if (brt_streams_feed(feeds.data(), feeds.size()) < 0) {
      require_message();
      size_t next = 0;
      for (const brt_stream* stream : streams_) {
        require_of_parser(stream == nullptr || View(stream) == before[next++]);
      }
    }
  }

  void set_sampler() {
    const std::array<brt_logit_bias, 2> bias = {
        {{.token = static_cast<int32_t>(input_.byte()), .bias = input_.one_of(kNumbers)},
         {.token = input_.one_of(kOddTokens), .bias = input_.one_of(kNumbers)}}};
    brt_sampler sampler = brt_sampler_default();
    sampler.logit_bias = bias.data();
    sampler.num_logit_bias = input_.byte() % (bias.size() + 1);
    if (input_.byte() % 8 == 7) {
      sampler.logit_bias = nullptr;
      sampler.num_logit_bias = kHugeCount;
    }
    for (double* number :
         {&sampler.temperature, &sampler.top_p, &sampler.min_p, &sampler.repetition_penalty}) {
      if (input_.byte() % 2 == 0) {
        *number = input_.one_of(kNumbers);
      }
    }
    sampler.top_k = input_.one_of(kCounts);
    sampler.repetition_window = input_.one_of(kCounts);
    if (brt_stream_set_sampler(some(), &sampler) < 0) {
      require_message();
    }
  }

  void fork() {
    const brt_stream* stream = some();
    brt_stream* copy = brt_stream_fork(stream);
    require_of_parser(copy != nullptr && View(copy) == View(stream));
    put(streams_[slot()], copy);
  }

  void sample() {
    brt_stream* stream = some();
    const int32_t token = brt_stream_sample(stream);
    if (token < 0) {
      require_message();
      return;
    }
    require_of_parser(token < brt_model_vocab_size(model_) &&
                      token == brt_stream_sample(stream));  // a draw depends on the place alone
    if (token != brt_model_document_end(model_)) {
      require_of_parser(brt_stream_feed(stream, &token, 1) == 0);
    }
  }

  void encode() {
    std::array<int32_t, 8> ids{};
    const std::string text(input_.text(input_.byte() % 16));
    const size_t capacity = input_.byte() % (ids.size() + 1);
    const int64_t count = brt_model_encode(model_, text.data(), text.size(), ids.data(), capacity);
    require_of_parser(count == static_cast<int64_t>(text.size()));  // a token a byte
    require_of_parser(brt_model_encode(model_, text.data(), text.size(), nullptr, 0) == count);
  }

  void token_bytes() {
    const uint8_t byte = input_.byte();
    const int32_t token = byte % 2 == 0 ? byte : input_.one_of(kOddTokens);
    size_t size = kHugeCount;
    const char* bytes = brt_model_token_bytes(model_, token, &size);
    require_of_parser((bytes != nullptr) == (token >= 0 && token < brt_model_vocab_size(model_)));
    require_of_parser(bytes == nullptr || size <= 1);
  }

  /// The file as it is, or with some of its bytes altered and its checksum made right or not.
  void save_and_load() {
    const brt_stream* saved = some();
    require_of_parser(brt_stream_save(saved, library().state_path.c_str()) == 0);
    const uint8_t alterations = input_.byte() % 4;
    if (alterations > 0) {
      alter_state(alterations, input_.byte() % 4 != 0);
    }
    brt_stream* stream = brt_stream_load(model_, library().state_path.c_str());
    if (stream == nullptr) {
      require_message();
      require_of_parser(alterations > 0);
      return;
    }
    require_of_parser(alterations > 0 || View(stream) == View(saved));
    put(streams_[slot()], stream);
  }

  void alter_state(uint8_t alterations, bool with_checksum) {
    std::string bytes = read_file(library().state_path);
    const size_t content = bytes.size() - sizeof(uint64_t);
    for (; alterations > 0; --alterations) {
      const size_t place = size_t{input_.byte()} * 256 + input_.byte();
      bytes[place % bytes.size()] = static_cast<char>(input_.byte());
    }
    if (with_checksum) {
      const uint64_t checksum = hash_bytes(std::string_view(bytes).substr(0, content));
      std::memcpy(bytes.data() + content, &checksum, sizeof checksum);
    }
    library().scratch.put("stream.state", bytes);
  }

  /// What points nowhere is an error, or allowed, as brt.h says; where a function has no error to
  /// give, its result is that of nothing.
  void pass_null() {
    brt_stream* stream = some();
    const View before(stream);
    const int32_t token = 65;
    const brt_feed no_stream = {.stream = nullptr, .tokens = &token, .num_tokens = 1};
    const brt_feed no_tokens = {.stream = stream, .tokens = nullptr, .num_tokens = 1};
    size_t size = 0;
    brt_model_free(nullptr);
    brt_stream_free(nullptr);
    require_of_parser(brt_model_load(nullptr, BRT_WEIGHTS_FP32, 1) == nullptr);
    require_of_parser(brt_model_note(nullptr) == nullptr);
    require_of_parser(brt_model_vocab_size(nullptr) <= 0);
    require_of_parser(brt_model_document_end(nullptr) < 0);
    static_cast<void>(brt_model_fingerprint(nullptr));
    require_of_parser(brt_model_encode(nullptr, "a", 1, nullptr, 0) < 0);
    require_of_parser(brt_model_encode(model_, nullptr, kHugeCount, nullptr, 0) < 0);
    require_of_parser(brt_model_encode(model_, "a", 1, nullptr, 1) < 0);
    require_of_parser(brt_model_token_bytes(nullptr, token, &size) == nullptr);
    static_cast<void>(brt_model_token_bytes(model_, token, nullptr));
    require_of_parser(brt_stream_new(nullptr) == nullptr);
    require_of_parser(brt_stream_fork(nullptr) == nullptr);
    require_of_parser(brt_stream_feed(nullptr, &token, 1) < 0);
    require_of_parser(brt_stream_feed(stream, nullptr, 1) < 0);
    require_of_parser(brt_streams_feed(nullptr, kHugeCount) < 0);
    require_of_parser(brt_streams_feed(&no_stream, 1) < 0);
    require_of_parser(brt_streams_feed(&no_tokens, 1) < 0);
    require_of_parser(brt_stream_tokens_read(nullptr) <= 0);
    require_of_parser(brt_stream_logits(nullptr, &size) == nullptr && size == 0);
    require_of_parser(brt_stream_logits(nullptr, nullptr) == nullptr);
    require_of_parser(brt_stream_set_sampler(stream, nullptr) < 0);
    require_of_parser(brt_stream_sample(nullptr) < 0);
    require_of_parser(brt_stream_save(nullptr, library().state_path.c_str()) < 0);
    require_of_parser(brt_stream_save(stream, nullptr) < 0);
    require_of_parser(brt_stream_load(nullptr, library().state_path.c_str()) == nullptr);
    require_of_parser(brt_stream_load(model_, nullptr) == nullptr);
    require_message();
    require_of_parser(View(stream) == before);
  }
};

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  brt::Caller(brt::input_text(data, size)).run();
  return 0;
}
