// SPDX-License-Identifier: Apache-2.0
// Mapped files: dtypes, places, and what is refused.
#include "safetensors/mapped_safetensors.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"

namespace brt {
namespace {

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A file of these bytes, for as long as the object lives.
class File {
 public:
  explicit File(const std::string& bytes) { put_bytes(path(), bytes); }
  std::filesystem::path path() const { return folder_ / "model.safetensors"; }

 private:
  ScratchFolder folder_;
};

std::string file_of(const std::string& header, const std::string& data) {
  return bytes_of(std::vector<uint64_t>{header.size()}) + header + data;
}

/// One tensor "x" of two numbers; spaces in the header move the data off its alignment.
template <class T>
std::string one_tensor(const std::string& dtype, const std::vector<T>& values, int spaces) {
  const std::string data = bytes_of(values);
  return file_of("{\"x\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + std::to_string(values.size()) +
                     "],\"data_offsets\":[0," + std::to_string(data.size()) + "]}}" +
                     std::string(static_cast<size_t>(spaces), ' '),
                 data);
}

std::vector<float> floats_of(const std::string& bytes) {
  const File file(bytes);
  MappedSafetensors tensors(file.path());
  const std::span<const float> values = tensors.floats("x");
  return {values.begin(), values.end()};
}

TEST(MappedSafetensors, EveryFloatDtypeIsReadAtEveryAlignment) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> want = {1.5F, -2.0F, 0.0F, infinity};
  for (const int spaces : {0, 1, 2, 3}) {
    EXPECT_EQ(floats_of(one_tensor("F32", want, spaces)), want);
    EXPECT_EQ(floats_of(one_tensor<double>("F64", {1.5, -2.0, 0.0, infinity}, spaces)), want);
    EXPECT_EQ(floats_of(one_tensor<uint16_t>("BF16", {0x3FC0, 0xC000, 0, 0x7F80}, spaces)), want);
    EXPECT_EQ(floats_of(one_tensor<uint16_t>("F16", {0x3E00, 0xC000, 0, 0x7C00}, spaces)), want);
  }
  // The smallest number of float16, and its largest.
  EXPECT_EQ(floats_of(one_tensor<uint16_t>("F16", {1, 0x7BFF}, 0)),
            (std::vector<float>{0x1p-24F, 65504.0F}));
}

TEST(MappedSafetensors, NumbersOfOneDtypeAreReadAsTheyAre) {
  const File file(one_tensor<int32_t>("I32", {7, -3}, 1));
  MappedSafetensors tensors(file.path());
  EXPECT_EQ(tensors.values<int32_t>("x"), (std::vector<int32_t>{7, -3}));
  EXPECT_THROW(tensors.values<uint8_t>("x"), CheckpointError);
  EXPECT_THROW(tensors.floats("x"), CheckpointError);
}

TEST(MappedSafetensors, MissingTensorsAndFilesAreNamed) {
  const File file(one_tensor<float>("F32", {1.0F}, 0));
  MappedSafetensors tensors(file.path());
  EXPECT_THROW(tensors.floats("y"), CheckpointError);
  EXPECT_THROW(MappedSafetensors(file.path().string() + "x"), CheckpointError);
}

TEST(MappedSafetensors, EveryTruncationIsRefused) {
  const std::string whole = one_tensor<float>("F32", {1.0F, 2.0F}, 0);
  for (size_t size = 0; size < whole.size(); ++size) {
    const File file(whole.substr(0, size));
    EXPECT_THROW(MappedSafetensors(file.path()), CheckpointError) << size;
  }
}

}  // namespace
}  // namespace brt
