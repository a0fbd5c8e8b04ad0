// SPDX-License-Identifier: Apache-2.0
// Tensors by name and shape, and what is said of those that do not fit.
#include "engine/tensor_reader.h"

#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "support/text_assertions.h"
#include "support/weights_file.h"

namespace brt {
namespace {

class TensorReaderOf : public testing::Test {
 protected:
  TensorReaderOf() {
    WeightsFile weights;
    weights.add_floats("weight", {2, 3}, {0, 1, 2, 3, 4, 5});
    weights.add("half", {{"dtype", "BF16"}, {"shape", {3}}}, {"\0\0\x80\x3f\0\x40", 6});
    weights.add("numbers", {{"dtype", "I32"}, {"shape", {3}}}, std::string(12, '\0'));
    put_bytes(folder_ / "model.safetensors", weights.bytes());
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
  WeightsFile weights;
  weights.add_floats("weight", {2}, {0, 0});
  put_bytes(folder_ / "whole.safetensors", weights.bytes());
  MappedSafetensors file(folder_ / "whole.safetensors");
  TensorReader tensors(file);
  tensors.read("weight", {2});
  EXPECT_NO_THROW(tensors.finish());
}

}  // namespace
}  // namespace brt
