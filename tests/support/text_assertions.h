// SPDX-License-Identifier: Apache-2.0
// Assertions about texts that show the text when they fail: EXPECT_TRUE(contains(message,
// "width")).
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace brt {

inline testing::AssertionResult contains(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) {
    return testing::AssertionSuccess() << "\"" << part << "\" stands in: " << text;
  }
  return testing::AssertionFailure() << "\"" << part << "\" does not stand in: " << text;
}

inline testing::AssertionResult starts_with(const std::string& text, std::string_view part) {
  if (text.starts_with(part)) {
    return testing::AssertionSuccess() << "begins with \"" << part << "\": " << text;
  }
  return testing::AssertionFailure() << "does not begin with \"" << part << "\": " << text;
}

}  // namespace brt
