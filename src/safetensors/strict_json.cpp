// SPDX-License-Identifier: Apache-2.0
// The messages of JSON that weight files cannot hold.
#include "safetensors/strict_json.h"

#include <fmt/format.h>

#include "base/error.h"
#include "config/bounded_json.h"

namespace brt {

nlohmann::json parse_strict_object(std::string_view text,
                                   const std::string& subject,
                                   const std::string& kind) {
  const std::string hint = fmt::format("this is not {}, or it is damaged", kind);
  if (text.empty() || text.front() != '{') {
    throw CheckpointError(fmt::format("{} is not a JSON object", subject), hint);
  }
  try {
    return parse_bounded_json<nlohmann::json>(text, RepeatedKeys::kRefused);
  } catch (const DataError& error) {
    throw CheckpointError(fmt::format("{} is {}", subject, error.what()), hint);
  }
}

}  // namespace brt
