// SPDX-License-Identifier: Apache-2.0
// Cuts a stream into lines and parses each.
#include "data/jsonl_source.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/bounded_json.h"

namespace brt {
namespace {

constexpr size_t kPartBytes = size_t{1} << 16;

constexpr const char* kLineHint = "a line is a document: {\"text\": \"...\"}";

class LineReader {
 public:
  explicit LineReader(std::unique_ptr<ByteStream> stream)
      : stream_(std::move(stream)), part_(kPartBytes) {}

  /// The next line without its end; false at the end of the stream.
  bool next(std::string& line) {
    line.clear();
    while (true) {
      if (used_ == filled_) {
        used_ = 0;
        filled_ = stream_->read(part_.data(), part_.size());
        if (filled_ == 0) {
          return !line.empty();
        }
      }
      const char* begin = part_.data() + used_;
      const void* found = std::memchr(begin, '\n', filled_ - used_);
      const size_t size = found == nullptr
                              ? filled_ - used_
                              : static_cast<size_t>(static_cast<const char*>(found) - begin);
      line.append(begin, size);
      used_ += size + (found == nullptr ? 0 : 1);
      if (found != nullptr) {
        return true;
      }
    }
  }
  uint64_t input_bytes_read() const { return stream_->input_bytes_read(); }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::vector<char> part_;
  size_t used_ = 0;
  size_t filled_ = 0;
};

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

/// Whether the bytes are a number as JSON writes it.
bool is_json_number(std::string_view bytes) {
  const auto skip_digits = [&bytes] {
    const size_t count = std::min(bytes.find_first_not_of("0123456789"), bytes.size());
    bytes.remove_prefix(count);
    return count > 0;
  };
  if (bytes.starts_with('-')) {
    bytes.remove_prefix(1);
  }
  if (bytes.starts_with('0')) {
    bytes.remove_prefix(1);
  } else if (!skip_digits()) {
    return false;
  }
  if (bytes.starts_with('.')) {
    bytes.remove_prefix(1);
    if (!skip_digits()) {
      return false;
    }
  }
  if (bytes.starts_with('e') || bytes.starts_with('E')) {
    bytes.remove_prefix(1);
    if (bytes.starts_with('+') || bytes.starts_with('-')) {
      bytes.remove_prefix(1);
    }
    if (!skip_digits()) {
      return false;
    }
  }
  return bytes.empty();
}

/// Puts null for the numbers that a double cannot hold, outside of strings; nothing else changes.
void blank_huge_numbers(std::string& line) {
  bool in_string = false;
  size_t offset = 0;
  while (offset < line.size()) {
    const char c = line[offset];
    if (in_string || (c != '-' && (c < '0' || c > '9'))) {
      offset += in_string && c == '\\' ? 2 : 1;
      in_string = in_string != (c == '"');
      continue;
    }
    const size_t end = std::min(line.find_first_not_of("0123456789+-.eE", offset), line.size());
    const std::string_view number = std::string_view(line).substr(offset, end - offset);
    double value = 0;
    const bool is_out_of_range =
        std::from_chars(number.begin(), number.end(), value).ec == std::errc::result_out_of_range;
    if (is_out_of_range && is_json_number(number)) {
      line.replace(offset, number.size(), "null" + std::string(number.size() - 4, ' '));
    }
    offset = end;
  }
}

/// The fields of a line's object that are read; of other fields it is only checked that they are
/// JSON, nested no deeper than others. nlohmann's parsers stop at a number that a double cannot
/// hold wherever it stands, although JSON allows it: such a number is taken for null. Of two texts
/// in one object none is dropped in silence. @throws nlohmann::json::exception, DataError
nlohmann::json parse_fields(std::string& line) {
  using Json = nlohmann::json;
  std::set<std::string> seen;
  const auto is_wanted = [&seen](int depth, Json::parse_event_t event, Json& parsed) {
    check_json_depth(depth, event);
    if (event != Json::parse_event_t::key || depth != 1) {
      return true;
    }
    const std::string& key = parsed.get_ref<const std::string&>();
    const bool wanted = key == "text" || key == "id" || key == "name" || key == "path";
    if (wanted && !seen.insert(key).second) {
      refuse_repeated_key(parsed);
    }
    return wanted;
  };
  try {
    return Json::parse(line, is_wanted);
  } catch (const Json::out_of_range&) {
    blank_huge_numbers(line);
    seen.clear();
    return Json::parse(line, is_wanted);
  }
}

class JsonlSource : public DocumentSource {
 public:
  JsonlSource(std::unique_ptr<ByteStream> stream, const std::string& file)
      : lines_(std::move(stream)), file_(file) {}

  std::optional<std::string> next_document() override {
    std::string line;
    do {
      text_ = std::string();
      used_ = 0;
      if (!lines_.next(line)) {
        return std::nullopt;
      }
      ++line_number_;
    } while (is_blank(line));
    return parse(line);
  }

  size_t read(char* buffer, size_t size) override {
    const size_t count = std::min(size, text_.size() - used_);
    std::memcpy(buffer, text_.data() + used_, count);
    used_ += count;
    return count;
  }

  uint64_t input_bytes_read() const override { return lines_.input_bytes_read(); }

 private:
  LineReader lines_;
  std::string file_;
  int64_t line_number_ = 0;
  std::string text_;
  size_t used_ = 0;

  /// Takes the line's text and returns its name.
  std::string parse(std::string& line) {
    nlohmann::json object;
    try {
      object = parse_fields(line);
    } catch (const nlohmann::json::exception& error) {
      throw DataError(
          fmt::format("{}:{}: line is not valid JSON: {}", file_, line_number_, error.what()),
          kLineHint);
    } catch (const DataError& error) {
      throw DataError(fmt::format("{}:{}: line is {}", file_, line_number_, error.what()),
                      kLineHint);
    }
    line = std::string();
    if (!object.is_object()) {
      throw DataError(fmt::format("{}:{}: a JSON object was expected, the line holds: {}", file_,
                                  line_number_, object.type_name()),
                      kLineHint);
    }
    const nlohmann::json::iterator text = object.find("text");
    if (text == object.end() || !text->is_string()) {
      throw DataError(
          fmt::format("{}:{}: the object has no string field \"text\"{}", file_, line_number_,
                      text == object.end() ? "" : fmt::format(" (it is a {})", text->type_name())),
          kLineHint);
    }
    text_ = std::move(text->get_ref<std::string&>());
    for (const char* key : {"id", "name", "path"}) {
      const nlohmann::json::iterator field = object.find(key);
      if (field != object.end() && field->is_string()) {
        return field->get<std::string>();
      }
      if (field != object.end() && field->is_number()) {
        return field->dump();
      }
    }
    return fmt::format("{}:{}", file_, line_number_);
  }
};

}  // namespace

std::unique_ptr<DocumentSource> open_jsonl(std::unique_ptr<ByteStream> stream,
                                           const std::string& file) {
  return std::make_unique<JsonlSource>(std::move(stream), file);
}

}  // namespace brt
