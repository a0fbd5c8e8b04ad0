// SPDX-License-Identifier: Apache-2.0
// Adafactor as the reference trains with it (model.md, "Training as the reference does it").
#include "optim/adafactor.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "kernels/adafactor_update.h"
#include "optim/chunks.h"
#include "optim/contiguous_parameter.h"
#include "optim/sum_of_squares.h"

namespace brt {
namespace {

constexpr int64_t kMinFactoredSide = 128;  // smaller matrices gain little memory from factoring
constexpr double kSquareFloor = 1e-30;     // keeps 1/sqrt finite where a gradient is zero
constexpr double kMinRms = 0.001;          // lets a tensor of zeros leave zero
constexpr double kDecayPower = -0.8;
// Every chunk has its own column sums, float64; with so many rows they are small beside the rows.
constexpr int64_t kMinChunkRows = 32;

/// The numbers of one update.
struct UpdateFactors {
  double learning_rate;
  double gradient_scale;
  double beta;  ///< of the second moment
  double beta1;
};

double rms(double sum_of_squares, int64_t size) {
  return std::sqrt(sum_of_squares / static_cast<double>(std::max<int64_t>(size, 1)));
}

/// What the change u is multiplied by: its clipping, the rate, and the size of the weights.
double change_scale(double change_squares, const at::Tensor& weight, double learning_rate) {
  const double clipping = 1.0 / std::max(1.0, rms(change_squares, weight.numel()));
  const double weight_rms = rms(sum_of_squares(weight), weight.numel());
  return clipping * learning_rate * std::max(weight_rms, kMinRms);
}

/// moment = beta moment + (1-beta) (scale sums + floor)
template <class T>
void decay_towards(const at::Tensor& moment,
                   const std::vector<double>& sums,
                   double scale,
                   double beta) {
  T* values = moment.mutable_data_ptr<T>();
  for (size_t i = 0; i < sums.size(); ++i) {
    const double target = scale * sums[i] + kSquareFloor;
    values[i] = static_cast<T>(beta * static_cast<double>(values[i]) + (1.0 - beta) * target);
  }
}

/// scale / sqrt(moment)
template <class T>
std::vector<T> inverse_roots(const at::Tensor& moment, double scale) {
  const T* values = moment.const_data_ptr<T>();
  std::vector<T> roots(static_cast<size_t>(moment.numel()));
  for (size_t i = 0; i < roots.size(); ++i) {
    roots[i] = static_cast<T>(scale / std::sqrt(static_cast<double>(values[i])));
  }
  return roots;
}

template <class T>
double mean_of(const at::Tensor& moment) {
  const T* values = moment.const_data_ptr<T>();
  double sum = 0.0;
  for (int64_t i = 0; i < moment.numel(); ++i) {
    sum += static_cast<double>(values[i]);
  }
  return sum / static_cast<double>(moment.numel());
}

struct SquareSums {
  std::vector<double> rows;
  std::vector<double> columns;
};

/// Sums of the squares of a matrix by row and by column; the chunks' column sums are added up in
/// their order.
template <class T>
SquareSums square_sums(const at::Tensor& matrix, int64_t chunk_rows) {
  const T* values = matrix.const_data_ptr<T>();
  const int64_t num_rows = matrix.size(0);
  const int64_t num_columns = matrix.size(1);
  const size_t columns = static_cast<size_t>(num_columns);
  const size_t chunks = static_cast<size_t>(num_chunks(num_rows, chunk_rows));
  SquareSums sums = {.rows = std::vector<double>(static_cast<size_t>(num_rows), 0.0),
                     .columns = std::vector<double>(columns, 0.0)};
  std::vector<double> chunk_sums(chunks * columns, 0.0);
  for_each_chunk(num_rows, chunk_rows, [&](int64_t begin, int64_t end) {
    double* own_sums = chunk_sums.data() + begin / chunk_rows * num_columns;
    kernels::adafactor_add_squares(values, num_columns, begin, end, sums.rows.data(), own_sums);
  });
  for (size_t i = 0; i < chunk_sums.size(); i += columns) {
    for (size_t j = 0; j < columns; ++j) {
      sums.columns[j] += chunk_sums[i + j];
    }
  }
  return sums;
}

template <class T>
void update_factored(const ContiguousParameter& parameter,
                     const Adafactor::Slot& slot,
                     const UpdateFactors& factors) {
  const at::Tensor& weight = parameter.weight();
  const int64_t rows = weight.size(0);
  const int64_t columns = weight.size(1);
  const int64_t chunk_rows = std::max(kMinChunkRows, kChunkElements / columns);
  const double squared_scale = factors.gradient_scale * factors.gradient_scale;
  const SquareSums sums = square_sums<T>(parameter.gradient(), chunk_rows);
  decay_towards<T>(slot.row_moment, sums.rows, squared_scale / static_cast<double>(columns),
                   factors.beta);
  decay_towards<T>(slot.column_moment, sums.columns, squared_scale / static_cast<double>(rows),
                   factors.beta);
  const double row_scale = factors.gradient_scale * std::sqrt(mean_of<T>(slot.row_moment));
  const std::vector<T> row_factor = inverse_roots<T>(slot.row_moment, row_scale);
  const std::vector<T> column_factor = inverse_roots<T>(slot.column_moment, 1.0);
  const kernels::FactoredChange<T> change = {
      .gradient = parameter.gradient().const_data_ptr<T>(),
      .row_factor = row_factor.data(),
      .column_factor = column_factor.data(),
      .columns = columns,
  };
  const double squares = sum_over_chunks(rows, chunk_rows, [&](int64_t begin, int64_t end) {
    return kernels::adafactor_change_squares(change, begin, end);
  });
  const kernels::AdafactorWeight<T> target = {
      .momentum = slot.momentum.mutable_data_ptr<T>(),
      .weight = weight.mutable_data_ptr<T>(),
      .beta1 = factors.beta1,
      .change_scale = change_scale(squares, weight, factors.learning_rate),
  };
  for_each_chunk(rows, chunk_rows, [&](int64_t begin, int64_t end) {
    kernels::adafactor_apply(change, target, begin, end);
  });
}

template <class T>
void update_full(const ContiguousParameter& parameter,
                 const Adafactor::Slot& slot,
                 const UpdateFactors& factors) {
  const at::Tensor& weight = parameter.weight();
  const kernels::FullChange<T> change = {
      .gradient = parameter.gradient().const_data_ptr<T>(),
      .second_moment = slot.second_moment.mutable_data_ptr<T>(),
      .gradient_scale = factors.gradient_scale,
  };
  const double squares =
      sum_over_chunks(weight.numel(), kChunkElements, [&](int64_t begin, int64_t end) {
        return kernels::adafactor_second_moment(change, factors.beta, kSquareFloor, begin, end);
      });
  const kernels::AdafactorWeight<T> target = {
      .momentum = slot.momentum.mutable_data_ptr<T>(),
      .weight = weight.mutable_data_ptr<T>(),
      .beta1 = factors.beta1,
      .change_scale = change_scale(squares, weight, factors.learning_rate),
  };
  for_each_chunk(weight.numel(), kChunkElements, [&](int64_t begin, int64_t end) {
    kernels::adafactor_apply(change, target, begin, end);
  });
}

template <class T>
void update_tensor(const ContiguousParameter& parameter,
                   const Adafactor::Slot& slot,
                   const UpdateFactors& factors) {
  if (slot.second_moment.defined()) {
    update_full<T>(parameter, slot, factors);
  } else {
    update_factored<T>(parameter, slot, factors);
  }
}

}  // namespace

Adafactor::Adafactor(const OptimizerConfig& config, std::vector<NamedParameter> parameters)
    : beta1_(config.beta1) {
  for (NamedParameter& parameter : parameters) {
    const at::Tensor& value = parameter.value;
    Slot slot;
    slot.momentum = at::zeros_like(value, at::MemoryFormat::Contiguous).detach();
    if (is_factored(value)) {
      slot.row_moment = at::zeros({value.size(0)}, value.options());
      slot.column_moment = at::zeros({value.size(1)}, value.options());
    } else {
      slot.second_moment = at::zeros_like(slot.momentum);
    }
    slot.parameter = std::move(parameter);
    slots_.push_back(std::move(slot));
  }
}

bool Adafactor::is_factored(const at::Tensor& parameter) {
  return parameter.dim() == 2 && parameter.size(0) >= kMinFactoredSide &&
         parameter.size(1) >= kMinFactoredSide;
}

void Adafactor::update(double learning_rate, double gradient_scale) {
  const UpdateFactors factors = {
      .learning_rate = learning_rate,
      .gradient_scale = gradient_scale,
      .beta = 1.0 - std::pow(static_cast<double>(updates_), kDecayPower),
      .beta1 = beta1_,
  };
  for (const Slot& slot : slots_) {
    ContiguousParameter parameter(slot.parameter);
    if (parameter.is_float64()) {
      update_tensor<double>(parameter, slot, factors);
    } else {
      update_tensor<float>(parameter, slot, factors);
    }
    parameter.weight_was_written();
  }
}

std::vector<StateTensor> Adafactor::state_tensors() const {
  std::vector<StateTensor> tensors;
  for (const Slot& slot : slots_) {
    const std::string& name = slot.parameter.name;
    tensors.push_back({name + ".momentum", slot.momentum});
    if (slot.second_moment.defined()) {
      tensors.push_back({name + ".second_moment", slot.second_moment});
    } else {
      tensors.push_back({name + ".row_moment", slot.row_moment});
      tensors.push_back({name + ".column_moment", slot.column_moment});
    }
  }
  return tensors;
}

std::map<std::string, at::Tensor> Adafactor::state() const {
  return optimizer_state_map(state_tensors(), updates_);
}

void Adafactor::load_state(const std::map<std::string, at::Tensor>& state) {
  updates_ = load_optimizer_state(state, state_tensors());
}

}  // namespace brt
