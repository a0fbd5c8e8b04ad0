// SPDX-License-Identifier: Apache-2.0
// Tensors by name and shape, and what is said of those that do not fit.
#include "engine/tensor_reader.h"

#include <string>

#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "support/text_assertions.h"
#include "torch_checkpoint/tensor_files.h"

namespace brt {
namespace {

class TensorReaderOf : public testing::Test {
 protected:
  TensorReaderOf() {
    save_safetensors(folder_ / "model.safetensors",
                     {{"weight", at::arange(6, at::kFloat).reshape({2, 3})},
                      {"half", at::arange(3, at::kBFloat16)},
                      {"numbers", at::zeros({3}, at::kInt)}});
    file_ = std::make_unique<MappedSafetensors>(folder_ / "model.safetensors");
  }

  ScratchFolder folder_;
  std::unique_ptr<MappedSafetensors> file_;
};

TEST_F(TensorReaderOf, TensorsComeAsFloat32) {
  TensorReader tensors(*file_);
  EXPECT_EQ(tensors.copy("weight", {2, 3}), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(tensors.copy("half", {3}), (std::vector<float>{0, 1, 2}));
  EXPECT_EQ(tensors.read("weight", {2, 3})[4], 4.0F);
}

TEST_F(TensorReaderOf, WhatDoesNotFitIsNullAndReportedAtOnce) {
  TensorReader tensors(*file_);
  EXPECT_EQ(tensors.read("weight", {3, 2}), nullptr);
  EXPECT_TRUE(tensors.copy("absent", {4}).empty());
  EXPECT_EQ(tensors.read("numbers", {3}), nullptr);
  const std::string message = thrown_message<CheckpointError>([&] { tensors.finish(); });
  EXPECT_TRUE(contains(message, "model.safetensors")) << message;
  EXPECT_TRUE(contains(message, "\"weight\"")) << message;
  EXPECT_TRUE(contains(message, "[3, 2]")) << message;
  EXPECT_TRUE(contains(message, "[2, 3]")) << message;
  EXPECT_TRUE(contains(message, "\"absent\"")) << message;
  EXPECT_TRUE(contains(message, "\"numbers\"")) << message;
  EXPECT_TRUE(contains(message, "\"half\"")) << message;  // nobody asked for it
}

TEST_F(TensorReaderOf, NothingIsSaidWhereAllWasRead) {
  save_safetensors(folder_ / "whole.safetensors", {{"weight", at::zeros({2})}});
  MappedSafetensors file(folder_ / "whole.safetensors");
  TensorReader tensors(file);
  tensors.read("weight", {2});
  EXPECT_NO_THROW(tensors.finish());
}

}  // namespace
}  // namespace brt
