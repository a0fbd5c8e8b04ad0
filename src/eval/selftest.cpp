// SPDX-License-Identifier: Apache-2.0
// Golden cases: segments with their gradients, and short trainings.
#include "eval/selftest.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include "base/error.h"
#include "base/files.h"
#include "model/language_model.h"
#include "optim/optimizer.h"
#include "torch_checkpoint/model_folder.h"
#include "torch_checkpoint/tensor_files.h"

namespace brt {
namespace {

/// Limits of one precision. float32: model.md, "Golden cases".
///
/// bfloat16 rounds the operands of every product to 8 bits, a relative error of up to 2^-9 each.
/// Over the few layers of a case that gives errors of some hundredths in logits of size 1 to 5; the
/// loss averages them out. A hidden unit near zero may fall on the other side of its relu, which
/// moves single entries of a gradient by their whole size; gradients are therefore compared by
/// norm. The limits are about twice the largest error over the reference's cases (measured: logits
/// 0.062, loss 0.0033, gradients 0.23, carry 0.086, losses 0.004, change 0.24).
struct Limits {
  double logits, loss, gradients, carry, losses, change;
};

Limits limits_of(DType dtype) {
  return dtype == DType::kFp32 ? Limits{1e-5, 1e-5, 2e-5, 1e-5, 1e-5, 2e-4}
                               : Limits{0.15, 0.01, 0.5, 0.2, 0.01, 0.3};
}

/// Keeps the largest error seen; NaN counts as infinite.
void record(SelftestFigure& figure, double error, const std::string& where) {
  const double comparable = std::isnan(error) ? HUGE_VAL : error;
  if (figure.worst.empty() || comparable > figure.error) {
    figure.error = comparable;
    figure.worst = where;
  }
}

double largest_difference(const at::Tensor& got, const at::Tensor& want) {
  if (want.numel() == 0) {
    return 0.0;
  }
  const at::Tensor difference = got.detach().to(at::kDouble) - want.to(at::kDouble);
  return difference.abs().max().item<double>();
}

/// A case's tensors, looked up by name.
class CaseTensors {
 public:
  explicit CaseTensors(const std::filesystem::path& file)
      : path_(file), file_(load_safetensors(file)) {}

  const at::Tensor& operator[](const std::string& name) const {
    const auto found = file_.tensors.find(name);
    if (found == file_.tensors.end()) {
      throw DataError(fmt::format("{}: tensor {} is missing", path_.string(), name));
    }
    return found->second;
  }
  std::string metadata(const std::string& key) const {
    const auto found = file_.metadata.find(key);
    return found == file_.metadata.end() ? "" : found->second;
  }
  int64_t num_segments() const { return (*this)["tokens"].size(0); }
  int64_t num_lanes() const { return (*this)["tokens"].size(1); }

 private:
  std::filesystem::path path_;
  SafetensorsFile file_;
};

struct SegmentLoss {
  at::Tensor loss;  ///< scalar, mean nats of the unmasked targets
  at::Tensor hidden_BND;
};

/// One segment; `carry` moves on, cut from the graph.
SegmentLoss segment_loss(LanguageModel& model,
                         const CaseTensors& tensors,
                         int64_t segment,
                         Carry& carry,
                         const ForwardOptions& options) {
  const SegmentOutput output =
      model->forward(tensors["tokens"][segment], tensors["starts"][segment], carry, options);
  carry = detach(output.carry);
  const at::Tensor mask_BN = tensors["loss_mask"][segment];
  const at::Tensor loss = model->weighted_loss(output.hidden_BND, tensors["targets"][segment],
                                               mask_BN / mask_BN.sum().clamp_min(1.0), options);
  return {loss, output.hidden_BND};
}

void compare_gradients(const LanguageModel& model,
                       const CaseTensors& tensors,
                       DType dtype,
                       SelftestFigure& figure) {
  for (const auto& parameter : model->named_parameters()) {
    const at::Tensor& want = tensors["grad." + parameter.key()];
    const at::Tensor got =
        parameter.value().grad().defined() ? parameter.value().grad() : at::zeros_like(want);
    const bool by_norm = dtype == DType::kBf16;
    const double size = by_norm ? want.norm().item<double>() : want.abs().max().item<double>();
    const double difference =
        by_norm ? (got - want).norm().item<double>() : largest_difference(got, want);
    record(figure, size > 0.0 ? difference / size : difference, parameter.key());
  }
}

SelftestResult run_segments(const std::filesystem::path& folder, DType dtype) {
  const CaseTensors tensors(folder / "case.safetensors");
  LanguageModel model = load_model(folder);
  const Limits limits = limits_of(dtype);
  SelftestFigure logits{"logits", 0.0, limits.logits, ""};
  SelftestFigure loss{"loss", 0.0, limits.loss, ""};
  SelftestFigure gradients{"gradients", 0.0, limits.gradients, ""};
  SelftestFigure carried{"carry", 0.0, limits.carry, ""};

  ForwardOptions options;
  options.dtype = dtype == DType::kBf16 ? at::kBFloat16 : at::kFloat;
  Carry carry = make_carry(model->config(), tensors.num_lanes(), options.dtype);
  for (int64_t segment = 0; segment < tensors.num_segments(); ++segment) {
    const std::string where = fmt::format("segment {}", segment);
    const SegmentLoss computed = segment_loss(model, tensors, segment, carry, options);
    computed.loss.backward();
    const at::NoGradGuard no_gradient;
    record(
        logits,
        largest_difference(model->logits(computed.hidden_BND, options), tensors["logits"][segment]),
        where);
    record(loss, largest_difference(computed.loss, tensors["loss"][segment]), where);
  }
  compare_gradients(model, tensors, dtype, gradients);
  for (const auto& [name, tensor] : carry.tensors()) {
    if (name != "position") {
      record(carried, largest_difference(tensor, tensors["carry." + name]), name);
    }
  }
  return {folder.filename().string(), {logits, loss, gradients, carried}, ""};
}

OptimizerConfig optimizer_of(const std::filesystem::path& folder, const CaseTensors& tensors) {
  const std::string name = tensors.metadata("optimizer").empty() ? folder.filename().string()
                                                                 : tensors.metadata("optimizer");
  OptimizerConfig config;
  const bool adamw = name.find("adamw") != std::string::npos;
  if (!adamw && name.find("adafactor") == std::string::npos) {
    throw DataError(
        fmt::format("{}: the optimizer must be adafactor or adamw, got {}", folder.string(), name));
  }
  config.type = adamw ? OptimizerType::kAdamw : OptimizerType::kAdafactor;
  return config;
}

SelftestResult run_training(const std::filesystem::path& folder, DType dtype) {
  const CaseTensors tensors(folder / "steps.safetensors");
  LanguageModel model = load_model(folder);
  const Limits limits = limits_of(dtype);
  SelftestFigure losses{"losses", 0.0, limits.losses, ""};
  SelftestFigure change{"change", 0.0, limits.change, ""};

  std::vector<NamedParameter> parameters;
  std::map<std::string, at::Tensor> start;
  for (const auto& parameter : model->named_parameters()) {
    parameters.push_back({parameter.key(), parameter.value()});
    start[parameter.key()] = parameter.value().detach().clone();
  }
  const std::unique_ptr<Optimizer> optimizer =
      make_optimizer(optimizer_of(folder, tensors), parameters);
  const double learning_rate = tensors["learning_rate"].item<double>();
  ForwardOptions options;
  options.dtype = dtype == DType::kBf16 ? at::kBFloat16 : at::kFloat;
  Carry carry = make_carry(model->config(), tensors.num_lanes(), options.dtype);
  for (int64_t step = 0; step < tensors.num_segments(); ++step) {
    model->zero_grad();
    const SegmentLoss computed = segment_loss(model, tensors, step, carry, options);
    computed.loss.backward();
    optimizer->step(learning_rate);
    record(losses, largest_difference(computed.loss, tensors["losses"][step]),
           fmt::format("step {}", step));
  }
  for (const NamedParameter& parameter : parameters) {
    const at::Tensor first = start[parameter.name].to(at::kDouble);
    const at::Tensor want = tensors["final." + parameter.name].to(at::kDouble) - first;
    const at::Tensor got = parameter.value.detach().to(at::kDouble) - first;
    const double norm = want.norm().item<double>();
    const double difference = (got - want).norm().item<double>();
    record(change, norm > 0.0 ? difference / norm : difference, parameter.name);
  }
  return {folder.filename().string(), {losses, change}, ""};
}

bool is_case(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / "case.safetensors") ||
         std::filesystem::exists(folder / "steps.safetensors");
}

}  // namespace

bool SelftestResult::passed() const {
  return failure.empty() &&
         std::all_of(figures.begin(), figures.end(),
                     [](const SelftestFigure& figure) { return figure.passed(); });
}

std::vector<std::filesystem::path> find_selftest_cases(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw DataError(fmt::format("{}: is not a folder", folder.string()));
  }
  std::vector<std::filesystem::path> cases;
  if (is_case(folder)) {
    cases.push_back(folder);
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_directory() && is_case(entry.path())) {
      cases.push_back(entry.path());
    }
  }
  if (cases.empty()) {
    throw DataError(
        fmt::format("{}: no golden case below it", folder.string()),
        "a case is a folder with config.json, model.safetensors and case.safetensors or "
        "steps.safetensors");
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

SelftestResult run_selftest_case(const std::filesystem::path& folder, DType dtype) {
  try {
    return std::filesystem::exists(folder / "steps.safetensors") ? run_training(folder, dtype)
                                                                 : run_segments(folder, dtype);
  } catch (const std::exception& error) {
    return {folder.filename().string(), {}, error.what()};
  }
}

}  // namespace brt
