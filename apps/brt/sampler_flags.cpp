// SPDX-License-Identifier: Apache-2.0
// Flags without a default of their own, so that a state's settings stand where none is given.
#include "sampler_flags.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "number_checks.h"

namespace brt {
namespace {

/// "TOKEN=BIAS", where BIAS is a number, "-inf" included.
std::pair<int32_t, double> parse_bias(const std::string& text) {
  const std::string_view whole = text;
  const size_t equals = whole.find('=');
  if (equals != std::string_view::npos) {
    const std::string_view number = whole.substr(equals + 1);
    const bool has_plus = number.starts_with('+') && !number.starts_with("+-");
    const std::optional<double> bias = parse_decimal(number.substr(has_plus ? 1 : 0));
    int32_t token = 0;
    const char* end = text.data() + equals;
    const std::from_chars_result read = std::from_chars(text.data(), end, token);
    if (bias && read.ec == std::errc() && read.ptr == end) {
      return {token, *bias};
    }
  }
  throw ConfigError(fmt::format("--logit-bias must be TOKEN=BIAS, got \"{}\"", text),
                    "the number of a token and what is added to its logit, as in 32=-1.5; "
                    "32=-inf bans it; brt tokenizer encode names tokens");
}

template <class Value>
void replace(Value& value, const std::optional<Value>& given) {
  value = given.value_or(value);
}

}  // namespace

void add_sampler_flags(CLI::App& verb, SamplerFlags& flags) {
  const SamplerOptions usual;
  verb.add_option("--temperature", flags.temperature, "0: always the most likely token")
      ->check(finite_number())
      ->default_str(fmt::format("{}", usual.temperature));
  verb.add_option("--top-k", flags.top_k, "draw from this many of the most likely tokens; 0: all")
      ->check(whole_number(0))
      ->default_str(fmt::format("{}", usual.top_k));
  verb.add_option("--top-p", flags.top_p, "draw from the fewest tokens that hold this probability")
      ->check(finite_number())
      ->default_str(fmt::format("{}", usual.top_p));
  verb.add_option("--min-p", flags.min_p, "drop tokens below this part of the largest probability")
      ->check(finite_number())
      ->default_str(fmt::format("{}", usual.min_p));
  verb.add_option("--repetition-penalty", flags.repetition_penalty,
                  "above 1: recent tokens become less likely")
      ->check(finite_number())
      ->default_str(fmt::format("{}", usual.repetition_penalty));
  verb.add_option("--repetition-window", flags.repetition_window, "how many tokens are recent")
      ->check(whole_number(0))
      ->default_str(fmt::format("{}", usual.repetition_window));
  verb.add_option("--logit-bias", flags.logit_bias,
                  "TOKEN=BIAS: add to a token's logit; -inf bans it; may be given several times")
      ->allow_extra_args(false);
  verb.add_option("--seed", flags.seed, "seed of the draws")
      ->check(seed_number())
      ->default_str(fmt::format("{}", usual.seed));
}

SamplerOptions apply_sampler_flags(const SamplerFlags& flags, const SamplerOptions& saved) {
  SamplerOptions options = saved;
  replace(options.temperature, flags.temperature);
  replace(options.top_k, flags.top_k);
  replace(options.top_p, flags.top_p);
  replace(options.min_p, flags.min_p);
  replace(options.repetition_penalty, flags.repetition_penalty);
  replace(options.repetition_window, flags.repetition_window);
  replace(options.seed, flags.seed);
  if (!flags.logit_bias.empty()) {
    options.logit_bias.clear();
    for (const std::string& text : flags.logit_bias) {
      options.logit_bias.push_back(parse_bias(text));
    }
  }
  check_sampler_options(options);
  return options;
}

}  // namespace brt
