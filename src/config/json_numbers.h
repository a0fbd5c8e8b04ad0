// SPDX-License-Identifier: Apache-2.0
// Numbers of JSON from outside: which are whole.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace brt {

/// The whole number from `least` to `most` that a value is. @throws nlohmann::json::type_error if
/// it is another value, as a fraction, a number with an exponent or one beyond 64 bits;
/// get<int64_t>() would cut those off, or do anything.
template <class Json>
int64_t whole_number_in(const Json& value, int64_t least, int64_t most) {
  const bool is_number = value.is_number_unsigned()
                             ? std::in_range<int64_t>(value.template get<uint64_t>())
                             : value.is_number_integer();
  const int64_t number = is_number ? value.template get<int64_t>() : 0;
  if (!is_number || number < least || number > most) {
    constexpr int kWrongType = 302;  // as the library numbers it
    throw nlohmann::json::type_error::create(
        kWrongType,
        // Printing a list recurses, and this one may be nested deeply.
        (value.is_number() ? value.dump() : std::string("a value of type ") + value.type_name()) +
            " is not a whole number from " + std::to_string(least) + " to " + std::to_string(most),
        nullptr);
  }
  return number;
}

}  // namespace brt
