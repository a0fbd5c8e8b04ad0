// SPDX-License-Identifier: Apache-2.0
// A reader of the Protocol Buffers wire format, as much of it as a SentencePiece model uses.
#include "text/sentencepiece_settings.h"

#include <cstdint>

namespace brt {
namespace {

struct Field {
  uint64_t number = 0;
  uint64_t value = 0;         ///< of a varint
  std::string_view contents;  ///< of a string, bytes or message
};

std::optional<uint64_t> take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const uint64_t byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  return std::nullopt;
}

/// Takes the next field off a message that is not empty; nothing if it is damaged.
std::optional<Field> take_field(std::string_view& message) {
  const std::optional<uint64_t> key = take_varint(message);
  if (!key) {
    return std::nullopt;
  }
  Field field;
  field.number = *key >> 3;
  const uint64_t wire_type = *key & 7;
  if (wire_type == 0) {
    const std::optional<uint64_t> value = take_varint(message);
    if (!value) {
      return std::nullopt;
    }
    field.value = *value;
    return field;
  }
  std::optional<uint64_t> size;
  if (wire_type == 1) {
    size = 8;
  } else if (wire_type == 2) {
    size = take_varint(message);
  } else if (wire_type == 5) {
    size = 4;
  }
  if (!size || *size > message.size()) {
    return std::nullopt;
  }
  field.contents = message.substr(0, *size);
  message.remove_prefix(*size);
  return field;
}

// Field numbers of sentencepiece_model.proto: in ModelProto, then in NormalizerSpec.
constexpr uint64_t kPieces = 1;
constexpr uint64_t kNormalizerSpec = 3;
constexpr uint64_t kPrecompiledCharsmap = 2;
constexpr uint64_t kAddDummyPrefix = 3;
constexpr uint64_t kRemoveExtraWhitespaces = 4;
constexpr uint64_t kEscapeWhitespaces = 5;

bool read_normalizer(std::string_view message, SentencePieceSettings& settings) {
  while (!message.empty()) {
    const std::optional<Field> field = take_field(message);
    if (!field) {
      return false;
    }
    if (field->number == kPrecompiledCharsmap) {
      settings.maps_characters = !field->contents.empty();
    } else if (field->number == kAddDummyPrefix) {
      settings.add_dummy_prefix = field->value != 0;
    } else if (field->number == kRemoveExtraWhitespaces) {
      settings.remove_extra_whitespaces = field->value != 0;
    } else if (field->number == kEscapeWhitespaces) {
      settings.escape_whitespaces = field->value != 0;
    }
  }
  return true;
}

}  // namespace

std::optional<SentencePieceSettings> read_sentencepiece_settings(std::string_view serialized) {
  SentencePieceSettings settings;
  bool has_pieces = false;
  while (!serialized.empty()) {
    const std::optional<Field> field = take_field(serialized);
    if (!field) {
      return std::nullopt;
    }
    has_pieces = has_pieces || field->number == kPieces;
    if (field->number == kNormalizerSpec && !read_normalizer(field->contents, settings)) {
      return std::nullopt;
    }
  }
  return has_pieces ? std::optional(settings) : std::nullopt;
}

}  // namespace brt
