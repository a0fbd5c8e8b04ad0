// SPDX-License-Identifier: Apache-2.0
// What is read as JSON, and what is said of the rest.
#include "config/bounded_json.h"

#include <string>

#include <gtest/gtest.h>

#include "checkpoint/scratch_folder.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

using nlohmann::json;

std::string refusal(const std::string& text, RepeatedKeys repeated = RepeatedKeys::kLastCounts) {
  return thrown_message<DataError>([&] { parse_bounded_json<json>(text, repeated); });
}

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(BoundedJson, IsReadInEitherOrderOfItsKeys) {
  EXPECT_EQ(parse_bounded_json<json>(R"({"b":[1,2.5],"a":null})").dump(),
            R"({"a":null,"b":[1,2.5]})");
  EXPECT_EQ(parse_bounded_json<nlohmann::ordered_json>(R"({"b":[1,2.5],"a":null})").dump(),
            R"({"b":[1,2.5],"a":null})");
}

TEST(BoundedJson, WhatIsNoneIsSaidSo) {
  for (const char* text : {"", "{", "{} x", "nul", "\"\xff\"", "1e999"}) {
    EXPECT_TRUE(starts_with(refusal(text), "not valid JSON: ")) << text;
    EXPECT_EQ(try_bounded_json<json>(text), std::nullopt) << text;
  }
  EXPECT_EQ(refusal(std::string("{}\0x", 4)), "not valid JSON: there is a zero byte");
}

TEST(BoundedJson, IsNestedSixtyFourDeepAtMost) {
  EXPECT_EQ(parse_bounded_json<json>(nested(64)).dump(), nested(64));
  for (const size_t depth : {size_t{65}, size_t{200'000}}) {
    EXPECT_EQ(refusal(nested(depth)), "JSON nested more than 64 deep");
    EXPECT_EQ(try_bounded_json<json>(nested(depth)), std::nullopt);
  }
}

TEST(BoundedJson, RepeatedKeysOfAnObjectAreRefusedWhereThatIsAskedFor) {
  const std::string text = R"({"a":1,"a":2})";
  EXPECT_EQ(parse_bounded_json<json>(text)["a"], 2);
  EXPECT_EQ(refusal(text, RepeatedKeys::kRefused), "JSON that names \"a\" twice");
  EXPECT_TRUE(
      contains(refusal(R"([{"a":1},{"b":{"\u001b":0,"\u001b":0}}])", RepeatedKeys::kRefused),
               R"("\u001b" twice)"));
  EXPECT_EQ(parse_bounded_json<json>(R"([{"a":1},{"a":{"a":2}}])", RepeatedKeys::kRefused).size(),
            2U);
  const std::string key = "\"" + std::string(5000, 'k') + "\":0";
  EXPECT_LT(refusal("{" + key + "," + key + "}", RepeatedKeys::kRefused).size(), 200U);
}

}  // namespace
}  // namespace brt
