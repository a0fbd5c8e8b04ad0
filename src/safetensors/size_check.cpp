// SPDX-License-Identifier: Apache-2.0
// Sizes of a config against the numbers that a file of weights holds.
#include "safetensors/size_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "config/model_memory.h"

namespace brt {
namespace {

constexpr const char* kConfigName = "config.json";
/// Fewer weights than this are asked for and compared one by one, which names what does not fit.
constexpr int64_t kHarmlessWeights = int64_t{1} << 26;
/// No tensor has the size of the window or of the segment, so weights cannot vouch for them. A
/// document takes 0.1 to 2 times the bytes of the weights in models of the paper and in all
/// recipes; small models with long windows take more, but hardly so much more as this.
constexpr double kHarmlessBytes = 0x1p30;
constexpr double kMostBytesPerWeight = 1024.0;  // 256 times a float32

double gibibytes(double bytes) { return bytes / 0x1p30; }

void check_weights(const ModelConfig& config,
                   const std::filesystem::path& weights_file,
                   int64_t held) {
  const int64_t needed = count_parameters(config);
  if (needed > kHarmlessWeights && needed / 2 > held) {
    throw CheckpointError(
        fmt::format("{}: holds {} weights, but a model of the {} beside it has {}",
                    weights_file.string(), held, kConfigName, needed),
        "config and weights are not of the same model");
  }
}

}  // namespace

int64_t elements_of(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (const int64_t size : shape) {
    product *= size;
  }
  return product;
}

void check_model_size(const ModelConfig& config,
                      const std::filesystem::path& weights_file,
                      int64_t weights_held,
                      ReadingForm form) {
  check_weights(config, weights_file, weights_held);
  const bool by_segments = form == ReadingForm::kSegments;
  const double needed = by_segments ? segment_bytes(config) : document_bytes(config);
  const double most =
      std::max(kHarmlessBytes, kMostBytesPerWeight * static_cast<double>(weights_held));
  if (needed > most) {
    throw CheckpointError(
        fmt::format("{}: window {}{} asks for {:.1f} GiB for each document, more than {:.1f} GiB, "
                    "which is the most for a model of {} weights",
                    (weights_file.parent_path() / kConfigName).string(), config.window,
                    by_segments ? fmt::format(" and segment {}", config.segment) : "",
                    gibibytes(needed), gibibytes(most), weights_held),
        "the config is damaged or not of these weights; windows of models are some hundred to some "
        "thousand tokens long");
  }
}

}  // namespace brt
