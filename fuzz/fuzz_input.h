// SPDX-License-Identifier: Apache-2.0
// What the targets share: an input as text, a claim that must hold, and choices drawn from bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

namespace brt {

inline std::string_view input_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program, with a trace, if a parser did not keep its word.
inline void require_of_parser(bool holds) {
  if (!holds) {
    std::abort();
  }
}

/// Takes an input apart from its front; zeros follow its end.
class InputBytes {
 public:
  explicit InputBytes(std::string_view rest) : rest_(rest) {}

  bool is_empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) {
      return 0;
    }
    const uint8_t first = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  std::string_view text(size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  template <class T, size_t kSize>
  const T& one_of(const T (&choices)[kSize]) {
    return choices[byte() % kSize];
  }

 private:
  std::string_view rest_;
};

}  // namespace brt
