// SPDX-License-Identifier: Apache-2.0
// State files: a JSON header and buffers under one checksum.
#include "engine/state_file.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file_stream.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/little_endian.h"
#include "config/bounded_json.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kMagic = "BRTSTATE";
constexpr size_t kFixedBytes = kMagic.size() + sizeof(uint32_t) + sizeof(uint64_t);
constexpr size_t kChecksumBytes = sizeof(uint64_t);
constexpr std::string_view kBfloat16 = "BF16";
constexpr std::string_view kFloat32 = "F32";

[[noreturn]] void fail(const fs::path& path,
                       const std::string& problem,
                       const std::string& hint = "") {
  throw CheckpointError(path.string() + ": " + problem, hint);
}

/// A number that a file of JSON holds for a T. @throws CheckpointError if it is another.
template <class T>
T whole_number(const Json& json) {
  const bool fits = json.is_number_unsigned()
                        ? std::in_range<T>(json.get<uint64_t>())
                        : json.is_number_integer() && std::in_range<T>(json.get<int64_t>());
  if (!fits) {
    throw CheckpointError("\"" + json.dump() + "\" is not a whole number, or is out of range");
  }
  return json.get<T>();
}

/// A number of tokens, bytes or lines, which may grow by as many again.
int64_t count_from_json(const Json& json) {
  const int64_t count = whole_number<int64_t>(json);
  if (count < 0 || count > kMostTokensRead) {
    throw CheckpointError("a count is out of range: " + json.dump());
  }
  return count;
}

/// Bytes of any value in JSON, which holds UTF-8 only.
std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return text;
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  if (text.size() % 2 != 0) {
    throw CheckpointError("\"" + text + "\" has an odd number of hexadecimal digits");
  }
  for (size_t i = 0; i < text.size(); i += 2) {
    unsigned char byte = 0;
    const std::from_chars_result read =
        std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (read.ec != std::errc() || read.ptr != text.data() + i + 2) {
      throw CheckpointError("\"" + text + "\" is not hexadecimal");
    }
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

Json sampler_json(const SamplerOptions& sampler) {
  Json bias = Json::array();
  for (const auto& [token, value] : sampler.logit_bias) {
    // JSON has no infinity: null bans a token.
    bias.push_back({token, std::isinf(value) ? Json() : Json(value)});
  }
  return {{"temperature", sampler.temperature},
          {"top_k", sampler.top_k},
          {"top_p", sampler.top_p},
          {"min_p", sampler.min_p},
          {"repetition_penalty", sampler.repetition_penalty},
          {"repetition_window", sampler.repetition_window},
          {"seed", sampler.seed},
          {"logit_bias", bias}};
}

SamplerOptions sampler_from_json(const Json& json) {
  SamplerOptions sampler;
  sampler.temperature = json.at("temperature").get<double>();
  sampler.top_k = whole_number<int64_t>(json.at("top_k"));
  sampler.top_p = json.at("top_p").get<double>();
  sampler.min_p = json.at("min_p").get<double>();
  sampler.repetition_penalty = json.at("repetition_penalty").get<double>();
  sampler.repetition_window = whole_number<int64_t>(json.at("repetition_window"));
  sampler.seed = whole_number<uint64_t>(json.at("seed"));
  for (const Json& bias : json.at("logit_bias")) {
    const double value =
        bias.at(1).is_null() ? -std::numeric_limits<double>::infinity() : bias.at(1).get<double>();
    sampler.logit_bias.emplace_back(whole_number<int32_t>(bias.at(0)), value);
  }
  check_sampler_options(sampler);
  return sampler;
}

Json line_json(const LineProgress& line) {
  return {{"bytes", line.bytes},
          {"tokens", line.tokens},
          {"nats", line.nats},
          {"text", to_hex(line.text)}};
}

LineProgress line_from_json(const Json& json) {
  LineProgress line;
  line.bytes = count_from_json(json.at("bytes"));
  line.tokens = count_from_json(json.at("tokens"));
  line.nats = json.at("nats").get<double>();
  line.text = from_hex(json.at("text").get<std::string>());
  if (static_cast<uint64_t>(line.bytes) < line.text.size()) {
    throw CheckpointError("the unfinished line has fewer bytes than its text");
  }
  return line;
}

Json header_json(const StateFile& file) {
  Json parts = Json::array();
  for (const StatePart& part : file.parts) {
    parts.push_back({{"name", part.name}, {"dtype", part.dtype}, {"bytes", part.bytes.size()}});
  }
  Json header = {{"model_fingerprint", hash_text(file.model.model_fingerprint)},
                 {"tokenizer_fingerprint", hash_text(file.model.tokenizer_fingerprint)},
                 {"weights", file.model.weights},
                 {"kernel_target", file.model.kernel_target},
                 {"tokens_read", file.tokens_read},
                 {"bytes_read", file.text.bytes_read},
                 {"lines_read", file.text.lines_read},
                 {"sampler", sampler_json(file.text.sampler)},
                 {"recent_tokens", file.text.recent_tokens},
                 {"stop_text", to_hex(file.text.stop_text)},
                 {"pending_text", to_hex(file.text.pending_text)},
                 {"parts", parts}};
  if (file.text.line.bytes > 0) {  // absent otherwise, as in files of programs that know none
    header["line"] = line_json(file.text.line);
  }
  return header;
}

uint64_t fingerprint_from_json(const Json& json) {
  const std::string text = json.get<std::string>();
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, value, 16);
  if (read.ec != std::errc() || read.ptr != end) {
    throw CheckpointError("\"" + text + "\" is not a fingerprint");
  }
  return value;
}

/// Fills a file from its header; `data` is what comes after it.
StateFile parse(std::string_view header, std::string_view data) {
  const Json json = parse_bounded_json<Json>(header);
  StateFile file;
  file.model = {.model_fingerprint = fingerprint_from_json(json.at("model_fingerprint")),
                .tokenizer_fingerprint = fingerprint_from_json(json.at("tokenizer_fingerprint")),
                .weights = json.at("weights").get<std::string>(),
                .kernel_target = json.at("kernel_target").get<std::string>()};
  file.tokens_read = count_from_json(json.at("tokens_read"));
  file.text.bytes_read = count_from_json(json.at("bytes_read"));
  file.text.lines_read = count_from_json(json.at("lines_read"));
  file.text.sampler = sampler_from_json(json.at("sampler"));
  for (const Json& token : json.at("recent_tokens")) {
    file.text.recent_tokens.push_back(whole_number<int32_t>(token));
  }
  file.text.stop_text = from_hex(json.at("stop_text").get<std::string>());
  file.text.pending_text = from_hex(json.at("pending_text").get<std::string>());
  if (json.contains("line")) {
    file.text.line = line_from_json(json.at("line"));
  }
  for (const Json& part : json.at("parts")) {
    const size_t size = whole_number<size_t>(part.at("bytes"));
    if (size > data.size()) {
      throw CheckpointError("the file is cut off");
    }
    file.parts.push_back({part.at("name").get<std::string>(), part.at("dtype").get<std::string>(),
                          std::string(data.substr(0, size))});
    data.remove_prefix(size);
  }
  if (!data.empty()) {
    throw CheckpointError("there is more than the parts it lists");
  }
  return file;
}

size_t element_bytes(const StatePart& part) {
  return part.dtype == kBfloat16 ? sizeof(uint16_t) : sizeof(float);
}

double value_at(const StatePart& part, size_t index) {
  const size_t offset = index * element_bytes(part);
  const uint32_t bits = part.dtype == kBfloat16
                            ? uint32_t{little_endian_at<uint16_t>(part.bytes, offset)} << 16
                            : little_endian_at<uint32_t>(part.bytes, offset);
  return static_cast<double>(std::bit_cast<float>(bits));
}

PartDifference compare(const StatePart& first, const StatePart& second) {
  PartDifference difference;
  difference.name = first.name;
  const size_t size_first = first.bytes.size() / element_bytes(first);
  const size_t size_second = second.bytes.size() / element_bytes(second);
  const size_t both = std::min(size_first, size_second);
  difference.values = static_cast<int64_t>(std::max(size_first, size_second) - both);
  for (size_t i = 0; i < both; ++i) {
    const double one = value_at(first, i);
    const double other = value_at(second, i);
    if (std::bit_cast<uint64_t>(one) != std::bit_cast<uint64_t>(other)) {
      ++difference.values;
      difference.largest = std::max(difference.largest, std::abs(one - other));
    }
  }
  return difference;
}

}  // namespace

bool begins_as_state_file(const fs::path& path) {
  std::ifstream stream = open_stream(path);
  std::string start(kMagic.size(), '\0');
  return stream.read(start.data(), static_cast<std::streamsize>(start.size())) && start == kMagic;
}

StateFile read_state_file(const fs::path& path) {
  const MappedFile mapped(path);
  const std::string_view bytes = mapped.bytes();
  if (!bytes.starts_with(kMagic)) {
    fail(path, "not a state file",
         "state files are written by brt generate and brt score with --state-out");
  }
  const std::string hint = "copy it again, or read the text anew with --state-out";
  if (bytes.size() < kFixedBytes + kChecksumBytes) {
    fail(path, "the state file is damaged: the file is cut off", hint);
  }
  const std::string_view content = bytes.substr(0, bytes.size() - kChecksumBytes);
  const uint64_t expected = little_endian_at<uint64_t>(bytes, content.size());
  const uint64_t got = hash_bytes(content);
  if (expected != got) {
    fail(path,
         fmt::format("the state file is damaged: its checksum must be {}, is {}",
                     hash_text(expected), hash_text(got)),
         hint);
  }
  const uint32_t version = little_endian_at<uint32_t>(bytes, kMagic.size());
  if (version != kStateFormatVersion) {
    fail(path,
         fmt::format("the state file has format version {}, this program reads version {}", version,
                     kStateFormatVersion),
         "read the text anew with --state-out");
  }
  const uint64_t header_bytes = little_endian_at<uint64_t>(bytes, kMagic.size() + sizeof(version));
  const std::string_view rest = content.substr(kFixedBytes);
  if (header_bytes > rest.size()) {
    fail(path, "the state file is damaged: its header is longer than the file", hint);
  }
  try {
    return parse(rest.substr(0, header_bytes), rest.substr(header_bytes));
  } catch (const std::exception& error) {  // the JSON reader's too
    fail(path, fmt::format("the state file is damaged: {}", error.what()), hint);
  }
}

void write_state_file(const fs::path& path, const StateFile& file) {
  const std::string header = header_json(file).dump();
  std::string start(kMagic);
  append_little_endian(start, kStateFormatVersion);
  append_little_endian(start, static_cast<uint64_t>(header.size()));
  start += header;
  AtomicFile output(path, NewFileMode::kPrivate);
  StreamingHash hash;
  const auto write = [&](std::string_view bytes) {
    output.write(bytes);
    hash.update(bytes.data(), bytes.size());
  };
  write(start);
  for (const StatePart& part : file.parts) {
    write(part.bytes);
  }
  std::string checksum;
  append_little_endian(checksum, hash.digest());
  output.write(checksum);
  output.commit();
}

void save_state(const fs::path& path, const Session& session, const ModelIdentity& model) {
  StateFile file;
  file.model = model;
  file.tokens_read = session.stream.tokens_read();
  file.text = session.text;
  session.stream.for_each_part([&](const std::string& name, std::span<const std::byte> bytes) {
    const bool is_cache = name.starts_with("keys.") || name.starts_with("values.");
    file.parts.push_back({name, std::string(is_cache ? session.stream.cache_dtype() : kFloat32),
                          std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
  });
  write_state_file(path, file);
}

Session load_state(const fs::path& path,
                   const Engine& engine,
                   const Tokenizer& tokenizer,
                   std::string& note) {
  StateFile file = read_state_file(path);
  const ModelIdentity running = identify(engine, tokenizer);
  require_same_model(path.string(), file.model, running);
  if (file.model.kernel_target != running.kernel_target) {
    note = fmt::format(
        "{}: made on the CPU target {}, read on {}: what follows agrees to rounding, not bit for "
        "bit",
        path.string(), file.model.kernel_target, running.kernel_target);
  }
  for (const int32_t token : file.text.recent_tokens) {
    if (token < 0 || token >= engine.config().vocab_size) {
      fail(path, fmt::format("recent token {} is not in the model's vocabulary", token));
    }
  }
  Session session{.stream = engine.begin(), .text = std::move(file.text)};
  size_t next = 0;
  session.stream.for_each_part([&](const std::string& name, std::span<std::byte> bytes) {
    if (next == file.parts.size() || file.parts[next].name != name ||
        file.parts[next].bytes.size() != bytes.size()) {
      fail(path,
           fmt::format("the state file lacks the part \"{}\" of {} bytes", name, bytes.size()));
    }
    std::memcpy(bytes.data(), file.parts[next].bytes.data(), bytes.size());
    ++next;
  });
  if (next != file.parts.size()) {
    fail(path, fmt::format("the model has no part \"{}\"", file.parts[next].name));
  }
  session.stream.set_tokens_read(file.tokens_read);
  engine.restored(session.stream);
  return session;
}

std::vector<PartDifference> compare_parts(const StateFile& first, const StateFile& second) {
  std::map<std::string, const StatePart*> others;
  for (const StatePart& part : second.parts) {
    others[part.name] = &part;
  }
  std::vector<PartDifference> differences;
  const StatePart nothing;
  for (const StatePart& part : first.parts) {
    const auto found = others.find(part.name);
    differences.push_back(compare(part, found == others.end() ? nothing : *found->second));
    others.erase(part.name);
  }
  for (const StatePart& part : second.parts) {
    if (others.contains(part.name)) {
      differences.push_back(compare(part, nothing));
    }
  }
  std::erase_if(differences, [](const PartDifference& part) { return part.values == 0; });
  return differences;
}

}  // namespace brt
