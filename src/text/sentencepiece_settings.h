// SPDX-License-Identifier: Apache-2.0
// What a serialized SentencePiece model says about how it changes a text before it cuts it.
#pragma once

#include <optional>
#include <string_view>

namespace brt {

/// The fields of `normalizer_spec`, with the defaults of the format.
struct SentencePieceSettings {
  bool maps_characters = false;          ///< has a table of characters to replace
  bool add_dummy_prefix = true;          ///< puts a space before the text
  bool remove_extra_whitespaces = true;  ///< drops spaces at the ends and doubled ones
  bool escape_whitespaces = true;        ///< writes U+2581 for a space in pieces
};

/// Reads the settings out of the Protocol Buffers message; nothing if the bytes are not such a
/// message or hold no pieces.
std::optional<SentencePieceSettings> read_sentencepiece_settings(std::string_view serialized);

}  // namespace brt
