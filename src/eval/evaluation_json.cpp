// SPDX-License-Identifier: Apache-2.0
// An evaluation's result as the JSON object that `brt eval --json` prints.
#include <numbers>

#include <nlohmann/json.hpp>

#include "eval/evaluation.h"

namespace brt {
namespace {

/// Bits that each of `count` takes; no number, which JSON writes as null, for none.
double bits_per(double nats, int64_t count) {
  return nats / static_cast<double>(count) / std::numbers::ln2;
}

nlohmann::ordered_json positions_json(const EvaluationResult& result) {
  nlohmann::ordered_json intervals = nlohmann::ordered_json::array();
  for (const PositionLoss& interval : result.by_position) {
    intervals.push_back({{"from", interval.from},
                         {"to", interval.to},
                         {"tokens", interval.tokens},
                         {"bits_per_token", bits_per(interval.nats, interval.tokens)}});
  }
  return intervals;
}

nlohmann::ordered_json documents_json(const EvaluationResult& result) {
  nlohmann::ordered_json documents = nlohmann::ordered_json::array();
  for (const DocumentLoss& document : result.documents) {
    documents.push_back({{"name", document.name},
                         {"tokens", document.tokens},
                         {"bytes", document.bytes},
                         {"words", document.words},
                         {"bits_per_byte", bits_per(document.nats, document.bytes)},
                         {"bits_per_token", bits_per(document.nats, document.tokens)}});
  }
  return documents;
}

}  // namespace

std::string evaluation_to_json(const EvaluationResult& result,
                               const std::string& model,
                               const std::string& data,
                               const std::string& split) {
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
      {"by_position", positions_json(result)},
      {"by_document", documents_json(result)},
      {"tokens_per_second", result.tokens_per_second()},
  };
  // Numbers that are not finite (a text without words) become null; paths need not be UTF-8.
  return object.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

}  // namespace brt
