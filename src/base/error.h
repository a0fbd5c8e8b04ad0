// SPDX-License-Identifier: Apache-2.0
// Exceptions for faults that come from outside: files, flags, sizes, requests.
#pragma once

#include <stdexcept>
#include <string>

namespace brt {

/// Base of everything the library throws on purpose.
///
/// what() is one line that says what was asked, what was expected and what came; a known cure
/// stands on a second line, "hint: ...".
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, const std::string& hint = "")
      : std::runtime_error(hint.empty() ? message : message + "\nhint: " + hint) {}
};

/// A setting is unknown, of the wrong type, out of range, or at odds with another.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// Text, tokens or prepared data cannot be read or are damaged.
class DataError : public Error {
 public:
  using Error::Error;
};

/// A tensor has another shape or dtype than the function needs.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A model, state or checkpoint cannot be read, is damaged, or does not fit.
class CheckpointError : public Error {
 public:
  using Error::Error;
};

}  // namespace brt
