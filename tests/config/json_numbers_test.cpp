// SPDX-License-Identifier: Apache-2.0
// Whole numbers of JSON: within a range, and nothing that only looks like one.
#include "config/json_numbers.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "support/text_assertions.h"

namespace brt {
namespace {

using nlohmann::json;

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const json::exception& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST(JsonNumbers, WholeNumbersAreTakenWithinTheirRange) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(whole_number_in(json(7), 0, 7), 7);
  EXPECT_EQ(whole_number_in(json::parse("9223372036854775807"), 0, kMost), kMost);
  EXPECT_EQ(whole_number_in(json::parse("-9223372036854775808"), kLeast, 0), kLeast);
  for (const char* text : {"9223372036854775808", "-1", "8", "6.0", "1e300", "-1e300", "true",
                           "null", "\"6\"", "[6]", "\"\\u00e9\""}) {
    EXPECT_TRUE(contains(message_of([&] { whole_number_in(json::parse(text), 0, 7); }),
                         "is not a whole number from 0 to 7"))
        << text;
  }
}

TEST(JsonNumbers, AListThatIsNestedDeeplyIsNotPrinted) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_TRUE(contains(message_of([&] { whole_number_in(json::parse(deep), 0, 7); }),
                       "a value of type array is not a whole number"));
}

}  // namespace
}  // namespace brt
