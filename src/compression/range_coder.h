// SPDX-License-Identifier: Apache-2.0
// Arithmetic coding: symbols of any integer frequencies into bytes, and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace brt {

/// A symbol's share of the whole: [begin, begin + size) of [0, total).
struct FrequencyRange {
  uint64_t begin = 0;
  uint64_t size = 0;  ///< at least 1
  uint64_t total = 0;
};

/// Totals may be as large as this; the range below never shrinks under 2^56, so that rounding costs
/// at most a 2^-10th of a symbol's share.
inline constexpr uint64_t kMaxFrequencyTotal = uint64_t{1} << 46;

/// Range coder (Martin 1979) with a 64-bit range that gives out bytes; a carry runs into bytes that
/// are held back, of which a run of 0xFF is kept as a count.
class RangeEncoder {
 public:
  void encode(const FrequencyRange& symbol);
  /// Writes what the last symbols need. Nothing may be encoded after it.
  void finish();
  /// Takes the bytes that are certain by now.
  std::string take_bytes();
  size_t num_bytes() const { return bytes_.size(); }

 private:
  uint64_t low_ = 0;
  uint64_t range_ = ~uint64_t{0};
  bool has_held_ = false;
  uint8_t held_ = 0;       ///< the byte that a carry would change
  uint64_t num_full_ = 0;  ///< bytes 0xFF after it
  std::string bytes_;

  void carry();
  void shift_byte_out();
  void give_out_held(uint8_t carry);
};

/// Reads what RangeEncoder wrote. For each symbol: position() in [0, total), then skip() of the
/// symbol that lies there.
class RangeDecoder {
 public:
  /// Appends bytes to be read. Every call of skip() may read up to 8 bytes; past the end they
  /// count as zeros, of which num_missing() tells.
  void append(std::string_view bytes);
  /// Bytes that are there and not yet read.
  size_t num_ready() const { return bytes_.size() - next_; }
  /// Bytes that were read past the end.
  uint64_t num_missing() const { return num_missing_; }

  uint64_t position(uint64_t total);
  void skip(const FrequencyRange& symbol);

 private:
  uint64_t offset_ = 0;  ///< of the code from the range's low end
  uint64_t range_ = ~uint64_t{0};
  bool is_started_ = false;
  std::string bytes_;
  size_t next_ = 0;
  uint64_t num_missing_ = 0;

  uint8_t read_byte();
};

}  // namespace brt
