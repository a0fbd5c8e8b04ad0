// SPDX-License-Identifier: Apache-2.0
// Paths of any bytes as UTF-8 and back.
#include "base/path_text.h"

#include <string>

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace brt {
namespace {

TEST(PathText, OrdinaryPathsAreThemselves) {
  for (const char* path : {"", "data/books", "caf\xC3\xA9/\xE2\x82\xAC", "a\\b", "\\", "\\x",
                           "\\x41", "a\nb", "50% \"off\""}) {
    EXPECT_EQ(path_text(path), path);
    EXPECT_EQ(path_from_text(path), path);
  }
}

TEST(PathText, BytesThatAreNotUtf8AreEscaped) {
  EXPECT_EQ(path_text("caf\xE9/x"), "caf\\xe9/x");
  EXPECT_EQ(path_text("\xE2\x82"), "\\xe2\\x82");
  EXPECT_EQ(path_text("\\xe9"), "\\x5cxe9");
}

TEST(PathText, EveryPathComesBack) {
  const std::string alphabet = "\\x5c9eE\xE9\xC3\xA9\n/";
  for (size_t first = 0; first < alphabet.size(); ++first) {
    for (size_t second = 0; second < alphabet.size(); ++second) {
      for (size_t third = 0; third < alphabet.size(); ++third) {
        for (const std::string between : {"", "5", "\\x5c", "\\xe"}) {
          const std::string path = alphabet.substr(first, 1) + alphabet.substr(second, 1) +
                                   between + alphabet.substr(third, 1);
          const std::string text = path_text(path);
          EXPECT_EQ(valid_utf8_prefix(text), text.size()) << text;
          EXPECT_EQ(path_from_text(text).string(), path) << text;
        }
      }
    }
  }
}

}  // namespace
}  // namespace brt
