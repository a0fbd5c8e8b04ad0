// SPDX-License-Identifier: Apache-2.0
// An evaluation's result as the JSON object that `brt eval --json` prints.
#include <numbers>

#include <nlohmann/json.hpp>

#include "eval/evaluation.h"

namespace brt {

std::string evaluation_to_json(const EvaluationResult& result,
                               const std::string& model,
                               const std::string& data,
                               const std::string& split) {
  nlohmann::ordered_json intervals = nlohmann::ordered_json::array();
  for (const PositionLoss& interval : result.by_position) {
    const double bits = interval.nats / static_cast<double>(interval.tokens) / std::numbers::ln2;
    intervals.push_back({{"from", interval.from},
                         {"to", interval.to},
                         {"tokens", interval.tokens},
                         {"bits_per_token", bits}});
  }
  const nlohmann::ordered_json object = {
      {"model", model},
      {"data", data},
      {"split", split},
      {"carry", to_word(result.carry)},
      {"documents", result.documents.size()},
      {"tokens", result.tokens},
      {"bytes", result.bytes},
      {"words", result.words},
      {"nats_per_token", result.nats_per_token()},
      {"bits_per_token", result.bits_per_token()},
      {"bits_per_byte", result.bits_per_byte()},
      {"token_perplexity", result.token_perplexity()},
      {"word_perplexity", result.word_perplexity()},
      {"by_position", intervals},
      {"tokens_per_second", result.tokens_per_second()},
  };
  // Numbers that are not finite (a text without words) become null; paths need not be UTF-8.
  return object.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

}  // namespace brt
