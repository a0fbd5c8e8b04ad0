// SPDX-License-Identifier: Apache-2.0
// Lines are JSON as its standard has it, whatever the fields hold that are not read.
#include "data/jsonl_source.h"

#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/data_fixtures.h"

namespace brt {
namespace {

using testing::Documents;
using testing::message_of;
using testing::read_documents;
using testing::TemporaryFolder;
using testing::write_text;

TEST(JsonlSource, NumbersThatNoDoubleHoldsAreJson) {
  const TemporaryFolder folder;
  write_text(folder / "x.jsonl",
             "{\"text\":\"1e999 \\\" 2e999\",\"score\":1e999,\"deep\":[-1.5E+400,{\"a\":" +
                 std::string(400, '9') + "}],\"id\":\"i\"}\n{\"id\":1e999,\"text\":\"two\"}\n");
  EXPECT_EQ(read_documents({folder / "x.jsonl"}),
            (Documents{{"i", "1e999 \" 2e999"}, {(folder / "x.jsonl").string() + ":2", "two"}}));
  for (const std::string value : {"01e999", "1e999.5", "1.e999", "1e", "+1e999", "-", "NaN",
                                  "[1e999 2]", "1e9991e999", "Infinity"}) {
    write_text(folder / "x.jsonl", "{\"text\":\"t\",\"x\":" + value + "}\n");
    EXPECT_NE(message_of<DataError>([&] {
                read_documents({folder / "x.jsonl"});
              }).find("x.jsonl:1: line is not valid JSON"),
              std::string::npos)
        << value;
  }
}

TEST(JsonlSource, ALineThatIsNestedDeeplyIsRefused) {
  const TemporaryFolder folder;
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string field : {"id", "unread"}) {
    write_text(folder / "x.jsonl", "{\"" + field + "\":" + deep + ",\"text\":\"t\"}\n");
    EXPECT_NE(message_of<DataError>([&] {
                read_documents({folder / "x.jsonl"});
              }).find("x.jsonl:1: line is JSON nested more than 64 deep"),
              std::string::npos)
        << field;
  }
}

TEST(JsonlSource, ALineWithTwoTextsIsRefused) {
  const TemporaryFolder folder;
  write_text(folder / "x.jsonl", R"({"text":"a","x":{"text":"b"}})"
                                 "\n"
                                 R"({"text":"a","text":"b"})"
                                 "\n");
  EXPECT_NE(message_of<DataError>([&] {
              read_documents({folder / "x.jsonl"});
            }).find("x.jsonl:2: line is JSON that names \"text\" twice"),
            std::string::npos);
}

}  // namespace
}  // namespace brt
