// SPDX-License-Identifier: Apache-2.0
// Golden cases through the engine.
#include "eval/engine_selftest.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/divide_up.h"
#include "base/error.h"
#include "engine/engine.h"
#include "eval/int8_error.h"
#include "safetensors/mapped_safetensors.h"

namespace brt {
namespace {

struct Limits {
  double logits, carry;
};

bool is_carry(const SafetensorsEntry& entry) {
  return entry.name.starts_with("carry.") && entry.dtype == "F32";
}

/// Of int8 from a model of the error (int8_error.cpp) with this case's weights, sizes and numbers;
/// the carry's from the largest of its tensors.
Limits int8_limits(const std::filesystem::path& folder,
                   const ModelConfig& config,
                   MappedSafetensors& file,
                   int64_t tokens) {
  MappedSafetensors weights(folder / "model.safetensors");
  const double error = int8_error(config, weights, divide_up(tokens, config.window));
  Limits limits = {int8_limit(error, file.floats("logits")), 0.0};
  for (const auto& [name, entry] : file.entries()) {
    if (is_carry(entry)) {
      limits.carry = std::max(limits.carry, int8_limit(error, file.floats(name)));
    }
  }
  return limits;
}

/// bfloat16 as in selftest.cpp. @param tokens  of a lane
Limits limits_of(WeightFormat format,
                 const std::filesystem::path& folder,
                 const ModelConfig& config,
                 MappedSafetensors& file,
                 int64_t tokens) {
  switch (format) {
    case WeightFormat::kFloat32:
      return {1e-4, 1e-4};
    case WeightFormat::kBfloat16:
      return {0.15, 0.2};
    case WeightFormat::kInt8:
      return int8_limits(folder, config, file, tokens);
  }
  throw ConfigError("selftest: unknown weight format");
}

/// Keeps the largest difference; NaN counts as infinite.
void compare(std::span<const float> got,
             std::span<const float> want,
             const std::string& where,
             SelftestFigure& figure) {
  if (got.size() != want.size()) {
    throw DataError(fmt::format("{}: {} numbers, expected {}", where, got.size(), want.size()));
  }
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    const double comparable = std::isnan(difference) ? HUGE_VAL : difference;
    if (figure.worst.empty() || comparable > figure.error) {
      figure.error = comparable;
      figure.worst = where;
    }
  }
}

/// A case being run: one stream a lane.
class EngineCase {
 public:
  EngineCase(const std::filesystem::path& folder, WeightFormat format)
      : engine_(folder, {.weights = format}),
        file_(folder / "case.safetensors"),
        shape_(file_.entries().at("tokens").shape),
        tokens_GBN_(file_.values<int32_t>("tokens")),
        starts_GB_(file_.values<uint8_t>("starts")) {
    const Limits limits =
        limits_of(format, folder, engine_.config(), file_, shape_.at(0) * shape_.at(2));
    logits_.limit = limits.logits;
    carry_.limit = limits.carry;
  }

  SelftestResult run(const std::string& name) {
    streams_.resize(static_cast<size_t>(lanes()));
    for (int64_t segment = 0; segment < shape_[0]; ++segment) {
      run_segment(segment);
    }
    for (int64_t layer = 0; layer < engine_.config().num_layers; ++layer) {
      compare_carry(layer);
    }
    return {name, {logits_, carry_}, ""};
  }

 private:
  Engine engine_;
  MappedSafetensors file_;
  std::vector<int64_t> shape_;  ///< [G, B, N]
  std::vector<int32_t> tokens_GBN_;
  std::vector<uint8_t> starts_GB_;
  SelftestFigure logits_ = {"logits", 0.0, 0.0, ""};
  SelftestFigure carry_ = {"carry", 0.0, 0.0, ""};
  std::vector<StreamState> streams_;

  int64_t lanes() const { return shape_[1]; }

  void run_segment(int64_t segment) {
    const std::span<const float> want_GBNV = file_.floats("logits");
    const int64_t vocab_size = engine_.config().vocab_size;
    std::vector<Feed> feeds;
    for (int64_t lane = 0; lane < lanes(); ++lane) {
      const int64_t row = segment * lanes() + lane;
      StreamState& stream = streams_[static_cast<size_t>(lane)];
      if (starts_GB_[static_cast<size_t>(row)] != 0) {
        stream = engine_.begin();
      }
      Feed feed;
      feed.state = &stream;
      feed.tokens =
          std::span(tokens_GBN_)
              .subspan(static_cast<size_t>(row * shape_[2]), static_cast<size_t>(shape_[2]));
      feed.visit = [=, this](int64_t first, int64_t rows, const float* logits_MV) {
        const size_t count = static_cast<size_t>(rows * vocab_size);
        compare(
            {logits_MV, count},
            want_GBNV.subspan(static_cast<size_t>((row * shape_[2] + first) * vocab_size), count),
            fmt::format("segment {}", segment), logits_);
      };
      feeds.push_back(feed);
    }
    engine_.feed(feeds);
  }

  void compare_carry(int64_t layer) {
    for (const char* kind : {"keys", "values", "state"}) {
      const std::string name = fmt::format("carry.{}.{}", kind, layer);
      if (!file_.entries().contains(name)) {
        continue;
      }
      const std::span<const float> want = file_.floats(name);
      const size_t size = want.size() / streams_.size();
      for (size_t lane = 0; lane < streams_.size(); ++lane) {
        const StreamState& stream = streams_[lane];
        const std::vector<float> cached = kind == std::string("keys")     ? stream.keys(layer)
                                          : kind == std::string("values") ? stream.values(layer)
                                                                          : std::vector<float>();
        const std::span<const float> got =
            cached.empty() ? stream.state(layer) : std::span<const float>(cached);
        compare(got, want.subspan(lane * size, size), name, carry_);
      }
    }
  }
};

}  // namespace

bool is_engine_case(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / "case.safetensors");
}

SelftestResult run_engine_selftest_case(const std::filesystem::path& folder, WeightFormat format) {
  const std::string name = folder.filename().string();
  try {
    return EngineCase(folder, format).run(name);
  } catch (const std::exception& error) {
    return {name, {}, error.what()};
  }
}

}  // namespace brt
