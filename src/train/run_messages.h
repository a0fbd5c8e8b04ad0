// SPDX-License-Identifier: Apache-2.0
// What parts of a run tell the user.
#pragma once

#include <functional>
#include <string>

namespace brt {

/// Both may be called at any time of a run.
struct RunMessages {
  std::function<void(const std::string&)> note;
  std::function<void(const std::string&)> warn;
};

}  // namespace brt
