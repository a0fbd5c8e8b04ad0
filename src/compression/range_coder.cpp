// SPDX-License-Identifier: Apache-2.0
// The coder's arithmetic: every symbol narrows [low, low + range).
#include "compression/range_coder.h"

#include <utility>

#include "base/check.h"

namespace brt {
namespace {

constexpr int kTopShift = 56;  // of the highest byte
constexpr uint64_t kLeastRange = uint64_t{1} << kTopShift;
constexpr int kCodeBytes = 8;

}  // namespace

void RangeEncoder::encode(const FrequencyRange& symbol) {
  BRT_ASSERT(symbol.size > 0 && symbol.begin + symbol.size <= symbol.total &&
             symbol.total <= kMaxFrequencyTotal);
  const uint64_t unit = range_ / symbol.total;
  const uint64_t before = low_;
  low_ += unit * symbol.begin;
  if (low_ < before) {
    carry();
  }
  range_ = unit * symbol.size;
  while (range_ < kLeastRange) {
    shift_byte_out();
    range_ <<= 8;
  }
}

void RangeEncoder::finish() {
  // Any number in [low, low + range) will do; this one ends in zeros, which need not be written.
  const uint64_t before = low_;
  low_ += kLeastRange - 1;
  if (low_ < before) {
    carry();
  }
  low_ &= ~(kLeastRange - 1);
  shift_byte_out();
  if (has_held_) {
    give_out_held(0);
    has_held_ = false;
  }
}

std::string RangeEncoder::take_bytes() { return std::exchange(bytes_, std::string()); }

void RangeEncoder::carry() {
  // The held byte is below 0xFF, and there is one: the code never reaches 1.
  give_out_held(1);
  has_held_ = false;
}

void RangeEncoder::shift_byte_out() {
  const uint8_t byte = static_cast<uint8_t>(low_ >> kTopShift);
  low_ <<= 8;
  if (has_held_ && byte == 0xFF) {
    ++num_full_;
    return;
  }
  if (has_held_) {
    give_out_held(0);
  }
  has_held_ = true;
  held_ = byte;
}

/// With a carry, the bytes 0xFF after the held one become 0x00.
void RangeEncoder::give_out_held(uint8_t carry) {
  bytes_.push_back(static_cast<char>(held_ + carry));
  bytes_.append(num_full_, carry == 0 ? '\xff' : '\0');
  num_full_ = 0;
}

void RangeDecoder::append(std::string_view bytes) {
  bytes_.erase(0, next_);
  next_ = 0;
  bytes_ += bytes;
}

uint64_t RangeDecoder::position(uint64_t total) {
  if (!is_started_) {
    for (int i = 0; i < kCodeBytes; ++i) {
      offset_ = offset_ << 8 | read_byte();
    }
    is_started_ = true;
  }
  const uint64_t unit = range_ / total;
  const uint64_t position = offset_ / unit;
  return position < total ? position : total - 1;  // only of bytes that no encoder wrote
}

void RangeDecoder::skip(const FrequencyRange& symbol) {
  const uint64_t unit = range_ / symbol.total;
  offset_ -= unit * symbol.begin;
  range_ = unit * symbol.size;
  while (range_ < kLeastRange) {
    offset_ = offset_ << 8 | read_byte();
    range_ <<= 8;
  }
}

uint8_t RangeDecoder::read_byte() {
  if (next_ == bytes_.size()) {
    ++num_missing_;
    return 0;
  }
  return static_cast<uint8_t>(bytes_[next_++]);
}

}  // namespace brt
