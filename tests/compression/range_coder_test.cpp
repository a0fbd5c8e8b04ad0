// SPDX-License-Identifier: Apache-2.0
// Symbols of every kind of frequency through the coder and back.
#include "compression/range_coder.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/seeded_random.h"

namespace brt {
namespace {

std::string encode_all(const std::vector<FrequencyRange>& symbols) {
  RangeEncoder encoder;
  std::string bytes;
  for (const FrequencyRange& symbol : symbols) {
    encoder.encode(symbol);
    bytes += encoder.take_bytes();
  }
  encoder.finish();
  return bytes + encoder.take_bytes();
}

void expect_back(const std::vector<FrequencyRange>& symbols, const std::string& bytes) {
  RangeDecoder decoder;
  decoder.append(bytes);
  for (size_t i = 0; i < symbols.size(); ++i) {
    const uint64_t place = decoder.position(symbols[i].total);
    ASSERT_GE(place, symbols[i].begin) << "symbol " << i;
    ASSERT_LT(place, symbols[i].begin + symbols[i].size) << "symbol " << i;
    decoder.skip(symbols[i]);
  }
  EXPECT_LE(decoder.num_ready(), symbols.empty() ? 1U : 0U);
  EXPECT_LE(decoder.num_missing(), 8U);
}

double bits_of(const std::vector<FrequencyRange>& symbols) {
  double bits = 0.0;
  for (const FrequencyRange& symbol : symbols) {
    bits += std::log2(static_cast<double>(symbol.total) / static_cast<double>(symbol.size));
  }
  return bits;
}

std::vector<FrequencyRange> random_symbols(size_t count, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<FrequencyRange> symbols;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t total = 1 + random.below(uint64_t{1} << (1 + random.below(46)));
    const uint64_t begin = random.below(total);
    // Likely and unlikely symbols: sizes over all magnitudes.
    const uint64_t room = total - begin;
    const uint64_t size = 1 + random.below(room) / (uint64_t{1} << random.below(40));
    symbols.push_back({.begin = begin, .size = size, .total = total});
  }
  return symbols;
}

TEST(RangeCoder, SymbolsOfAnyFrequencyComeBack) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<FrequencyRange> symbols = random_symbols(seed * 3, seed);
    expect_back(symbols, encode_all(symbols));
  }
}

TEST(RangeCoder, SizeIsTheSumOfTheBits) {
  const std::vector<FrequencyRange> symbols = random_symbols(20000, 7);
  const double bits = bits_of(symbols);
  EXPECT_NEAR(static_cast<double>(encode_all(symbols).size()) * 8.0, bits, bits * 1e-4 + 16.0);
}

TEST(RangeCoder, CarriesRunThroughLongRunsOfFullBytes) {
  // The middle of the range again and again holds the code near a border: 0x7F FF FF... or 0x80
  // 00...
  constexpr uint64_t kTotal = 3;
  for (const uint64_t last : {0, 1, 2}) {
    std::vector<FrequencyRange> symbols(500, {.begin = 1, .size = 1, .total = kTotal});
    symbols.push_back({.begin = last, .size = 1, .total = kTotal});
    expect_back(symbols, encode_all(symbols));
  }
  // Ranges that close in on 1/2 from both sides, so that a carry is decided late.
  for (const uint64_t side : {0, 1}) {
    std::vector<FrequencyRange> symbols = {{.begin = 127, .size = 2, .total = 256}};
    for (int i = 0; i < 100; ++i) {
      symbols.push_back({.begin = 255, .size = 2, .total = 512});
    }
    symbols.push_back({.begin = side, .size = 1, .total = 2});
    expect_back(symbols, encode_all(symbols));
  }
}

TEST(RangeCoder, CertainSymbolsCostNothing) {
  const std::vector<FrequencyRange> symbols(1000, {.begin = 0, .size = 5, .total = 5});
  EXPECT_LE(encode_all(symbols).size(), 1U);
}

TEST(RangeCoder, BytesMayComeInParts) {
  const std::vector<FrequencyRange> symbols = random_symbols(300, 11);
  const std::string bytes = encode_all(symbols);
  RangeDecoder decoder;
  size_t next = 0;
  for (const FrequencyRange& symbol : symbols) {
    while (next < bytes.size() && decoder.num_ready() < 16) {
      decoder.append(bytes.substr(next++, 1));
    }
    const uint64_t place = decoder.position(symbol.total);
    ASSERT_GE(place, symbol.begin);
    ASSERT_LT(place, symbol.begin + symbol.size);
    decoder.skip(symbol);
  }
}

}  // namespace
}  // namespace brt
