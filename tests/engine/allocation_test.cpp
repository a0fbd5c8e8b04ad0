// SPDX-License-Identifier: Apache-2.0
// Reading and writing tokens takes no memory: counted by this program's operator new.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "engine/engine_cases.h"

namespace {

std::atomic<int64_t> allocations = 0;

void* counted_or_null(std::size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}

void* counted(std::size_t size) {
  void* memory = counted_or_null(size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
// A sanitizer's own would not pair with the delete below.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return counted_or_null(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return counted_or_null(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace brt {
namespace {

TEST(EngineAllocation, NoTokenTakesMemoryOnceTheFirstHaveBeenRead) {
  const TinyModelFolder folder(case_config(/*window=*/20), 5);
  const std::vector<int32_t> tokens = random_tokens(100, 7);
  for (const WeightFormat format : {WeightFormat::kFloat32, WeightFormat::kInt8}) {
    Engine engine(folder.path(), {format, /*threads=*/2});
    std::vector<StreamState> states(3, engine.begin());
    std::vector<Feed> feeds(3);
    for (size_t i = 0; i < 3; ++i) {
      feeds[i].state = &states[i];
      feeds[i].tokens = std::span(tokens).first(1 + i);
    }
    int64_t visited = 0;
    feeds[1].visit = [&visited](int64_t, int64_t rows, const float*) { visited += rows; };
    engine.feed(feeds);
    const int64_t before = allocations;
    for (int repetition = 0; repetition < 50; ++repetition) {
      engine.feed(feeds);
    }
    for (const int32_t token : tokens) {
      engine.feed(states[0], {&token, 1});
    }
    engine.feed(states[2], tokens);
    EXPECT_EQ(allocations - before, 0) << to_word(format);
    EXPECT_EQ(visited, 2 * 51);
  }
}

TEST(EngineAllocation, AnAllocationIsCounted) {
  const int64_t before = allocations;
  std::vector<int32_t> tokens = random_tokens(100, 7);
  EXPECT_GT(allocations - before, 0);
  EXPECT_EQ(tokens.size(), 100u);
}

}  // namespace
}  // namespace brt
