// SPDX-License-Identifier: Apache-2.0
// Independent rounding errors, added up as squares.
//
// A row of weights is rounded to steps of its largest entry / 127, which leaves a uniform error of
// step / sqrt(12): for normal numbers 0.5 % of the row at a width of 24, 0.9 % at 1024. Queries,
// keys and values are rounded to bfloat16 besides (0.17 %); the operands' 15 bits do not count.
// Each product adds its error to what its operand brings, and a layer has four in sequence: value,
// output, up, down (or query, key: shorter). A state passes through the cell's products once a
// block, with feedback through the layers between as well, but the gates forget: at a keep factor
// of 0.5 to 0.8 an error of four blocks ago counts no more.
//
// That is the error of an average model. It is larger where attention must choose between keys of
// nearly equal logits, and where states feed on themselves, and a few tokens have most of it then:
// hence kSensitivity. Of 264 random models of eleven layouts (0 to 2 recurrent layers, all gates
// and cells, with and without feedback, 3 to 6 layers, width 24 and 96, scales of attention to 4)
// none had an error above 0.81 of the limit, and half of each layout's at most 0.15 of it. An
// engine that computes something else differs by more: unrelated sets of numbers by some 6 times
// their size.
#include "eval/int8_error.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace brt {
namespace {

constexpr double kLargestInteger = 127.0;
constexpr double kBfloat16Error = 0.0017;  // root mean square of 8 bits' rounding
constexpr int64_t kRememberedBlocks = 4;   // that an error of a state outlives
constexpr double kSensitivity = 4.0;       // largest amplification over the average
constexpr double kLargestOfMany = 4.5;     // of some ten thousand normal numbers, in deviations
constexpr int64_t kLayerProducts = 4;      // value, output, up, down

int64_t cell_products(const ModelConfig& config) {
  switch (config.cell) {
    case CellType::kSkip:
      return 3;  // query, value, output
    case CellType::kSingle:
      return 4;  // up and down for output
    case CellType::kDual:
      return 5;  // up and down besides
  }
  return 0;
}

bool is_matrix(const SafetensorsEntry& entry) {
  return entry.shape.size() == 2 && entry.name.ends_with(".weight");
}

/// Sum over the rows of the squared error, relative to each row's squares.
double rows_error(std::span<const float> weights, int64_t rows, int64_t columns) {
  double sum = 0.0;
  for (int64_t row = 0; row < rows; ++row) {
    double squares = 0.0;
    double largest = 0.0;
    for (const float value :
         weights.subspan(static_cast<size_t>(row * columns), static_cast<size_t>(columns))) {
      const double size = std::abs(static_cast<double>(value));
      squares += size * size;
      largest = std::max(largest, size);
    }
    const double step = largest / kLargestInteger;
    sum += squares > 0.0 ? static_cast<double>(columns) * step * step / 12.0 / squares : 0.0;
  }
  return sum;
}

/// Mean squared relative error of a row of the model's matrices.
double rounding_error(MappedSafetensors& weights) {
  double sum = 0.0;
  int64_t rows = 0;
  for (const auto& [name, entry] : weights.entries()) {
    if (is_matrix(entry)) {
      sum += rows_error(weights.floats(name), entry.shape[0], entry.shape[1]);
      rows += entry.shape[0];
    }
  }
  return rows > 0 ? sum / static_cast<double>(rows) : 0.0;
}

}  // namespace

int64_t products_in_sequence(const ModelConfig& config, int64_t blocks) {
  const int64_t of_layers = kLayerProducts * config.num_layers;
  const int64_t of_cells =
      cell_products(config) * static_cast<int64_t>(config.recurrent_layers.size());
  const int64_t remembered = std::min(blocks, kRememberedBlocks);
  return config.feedback ? (of_layers + of_cells) * remembered : of_layers + of_cells * remembered;
}

double int8_error(const ModelConfig& config, MappedSafetensors& weights, int64_t blocks) {
  const double of_product = rounding_error(weights) + kBfloat16Error * kBfloat16Error;
  return std::sqrt(of_product * static_cast<double>(products_in_sequence(config, blocks)));
}

double int8_limit(double error, std::span<const float> want) {
  double squares = 0.0;
  for (const float value : want) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const double size = want.empty() ? 0.0 : std::sqrt(squares / static_cast<double>(want.size()));
  return kSensitivity * kLargestOfMany * error * size;
}

}  // namespace brt
