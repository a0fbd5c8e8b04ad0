// SPDX-License-Identifier: Apache-2.0
// The safetensors reader against sound, foreign, cut and hand-made bad files.
#include "torch_checkpoint/tensor_files.h"

#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "base/error.h"
#include "base/seeded_random.h"
#include "checkpoint/scratch_folder.h"
#include "safetensors/safetensors_header.h"

namespace brt {
namespace {

TensorMap tensors_of_every_dtype() {
  TensorMap tensors;
  tensors["bool"] = at::tensor({1, 0, 1}, at::kInt).to(at::kBool);
  tensors["u8"] = at::tensor({0, 255, 7}, at::kInt).to(at::kByte);
  tensors["i8"] = at::tensor({-128, 127}, at::kInt).to(at::kChar);
  tensors["i16"] = at::tensor({-32768, 32767, 5}, at::kInt).to(at::kShort);
  tensors["i32"] = at::tensor({std::numeric_limits<int>::min(), 3}, at::kInt);
  tensors["i64"] = at::tensor({std::numeric_limits<int64_t>::min(), int64_t{9}}, at::kLong);
  tensors["f16"] = at::tensor({0.5, -65504.0, 1e-7}, at::kDouble).to(at::kHalf);
  tensors["bf16"] = at::tensor({0.1, -3e38}, at::kDouble).to(at::kBFloat16);
  tensors["f32"] =
      at::tensor({0.1, -0.0, 3.0, 4.0, 5.0, 6.0}, at::kDouble).to(at::kFloat).view({2, 3});
  tensors["f64"] = at::tensor({0.1, -std::numeric_limits<double>::infinity()}, at::kDouble);
  tensors["empty"] = at::empty({3, 0, 2});
  tensors["scalar"] = at::scalar_tensor(2.5);
  return tensors;
}

std::string bytes_of(const at::Tensor& tensor) {
  const at::Tensor contiguous = tensor.contiguous();
  return {static_cast<const char*>(contiguous.const_data_ptr()), contiguous.nbytes()};
}

void expect_equal(const TensorMap& got, const TensorMap& want) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) {
    ASSERT_TRUE(got.contains(name)) << name;
    EXPECT_EQ(got.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(got.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_EQ(bytes_of(got.at(name)), bytes_of(tensor)) << name;
  }
}

/// A file of this header, with `data_bytes` zeros behind it.
std::string file_bytes(const std::string& header, size_t data_bytes) {
  const uint64_t size = header.size();
  std::string bytes(sizeof(size), '\0');
  std::memcpy(bytes.data(), &size, sizeof(size));
  return bytes + header + std::string(data_bytes, '\0');
}

class Safetensors : public testing::Test {
 protected:
  ScratchFolder scratch_;
  std::filesystem::path path_ = scratch_ / "x.safetensors";

  /// What the reader says to these bytes.
  std::string refusal(const std::string& bytes) {
    put_bytes(path_, bytes);
    const std::string described =
        thrown_message<CheckpointError>([this] { describe_safetensors(path_); });
    const std::string loaded = thrown_message<CheckpointError>([this] { load_safetensors(path_); });
    EXPECT_EQ(described, loaded);
    EXPECT_TRUE(says(loaded, path_.string()));
    return loaded;
  }
  std::string refusal_of_header(const std::string& header, size_t data_bytes = 8) {
    return refusal(file_bytes(header, data_bytes));
  }
};

TEST_F(Safetensors, EveryDtypeComesBackBitEqual) {
  const Metadata metadata = {{"source", "a \"test\"\n"}, {"dtype", "mixed"}};
  save_safetensors(path_, tensors_of_every_dtype(), metadata);
  const SafetensorsFile file = load_safetensors(path_);
  expect_equal(file.tensors, tensors_of_every_dtype());
  EXPECT_EQ(file.metadata, metadata);
}

TEST_F(Safetensors, NoTensorsAtAllIsAFile) {
  save_safetensors(path_, {});
  EXPECT_TRUE(load_safetensors(path_).tensors.empty());
}

TEST_F(Safetensors, NotANumberKeepsItsBits) {
  at::Tensor tensor = at::empty({1}, at::kFloat);
  const uint32_t bits = 0x7FC12345;
  std::memcpy(tensor.data_ptr(), &bits, sizeof(bits));
  save_safetensors(path_, {{"nan", tensor}});
  EXPECT_EQ(bytes_of(load_safetensors(path_).tensors.at("nan")), bytes_of(tensor));
}

TEST_F(Safetensors, TransposedTensorsAndThoseWithGradientsAreWrittenAsTheyRead) {
  const at::Tensor matrix = at::arange(6, at::kFloat).view({2, 3}).set_requires_grad(true);
  save_safetensors(path_, {{"t", matrix.t()}, {"slice", matrix.slice(1, 1, 3)}});
  const TensorMap loaded = load_safetensors(path_).tensors;
  EXPECT_TRUE(at::equal(loaded.at("t"), matrix.detach().t()));
  EXPECT_TRUE(at::equal(loaded.at("slice"), matrix.detach().slice(1, 1, 3)));
}

TEST_F(Safetensors, LoadedTensorsOwnTheirStorage) {
  save_safetensors(path_, {{"a", at::ones({4})}, {"b", at::ones({4})}});
  TensorMap loaded = load_safetensors(path_).tensors;
  std::filesystem::remove(path_);
  loaded.at("a").fill_(5.0);
  EXPECT_TRUE(at::equal(loaded.at("b"), at::ones({4})));
}

TEST_F(Safetensors, BytesAreAFunctionOfTheContent) {
  save_safetensors(path_, tensors_of_every_dtype(), {{"b", "2"}, {"a", "1"}});
  const std::filesystem::path other = scratch_ / "other-name.safetensors";
  TensorMap tensors = tensors_of_every_dtype();
  tensors["f32"] = tensors["f32"].t().contiguous().t();  // other strides, same content
  save_safetensors(other, tensors, {{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(get_bytes(path_), get_bytes(other));
}

TEST_F(Safetensors, DataStartAtAMultipleOf64AndTensorsAtOneOfTheirElement) {
  for (size_t length = 1; length < 70; ++length) {
    TensorMap tensors = tensors_of_every_dtype();
    tensors[std::string(length, 'n')] = at::ones({3}, at::kFloat);
    save_safetensors(path_, tensors);
    const std::string bytes = get_bytes(path_);
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
    ASSERT_EQ((8 + header_bytes) % 64, 0U) << length;
    const SafetensorsHeader header = parse_safetensors_header(
        std::string_view(bytes).substr(8, header_bytes), bytes.size() - 8 - header_bytes, "test");
    for (const SafetensorsEntry& entry : header.entries) {
      EXPECT_EQ(entry.begin * 8 % safetensors_element_bits(entry.dtype), 0U) << entry.name;
    }
  }
}

TEST_F(Safetensors, DescriptionGivesNameDtypeShapeAndBytesSortedByName) {
  save_safetensors(path_, {{"b", at::ones({2, 3}, at::kDouble)}, {"a", at::ones({}, at::kByte)}},
                   {{"k", "v"}});
  Metadata metadata;
  const std::vector<TensorDescription> tensors = describe_safetensors(path_, &metadata);
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].dtype, "U8");
  EXPECT_EQ(tensors[0].bytes, 1);
  EXPECT_EQ(tensors[1].dtype, "F64");
  EXPECT_EQ(tensors[1].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(tensors[1].bytes, 48);
  EXPECT_EQ(metadata, (Metadata{{"k", "v"}}));
}

TEST_F(Safetensors, FilesOfAnotherProgramLoad) {
  const std::filesystem::path golden = std::filesystem::path(BRT_SOURCE_DIR) / "tests/golden";
  int64_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(golden)) {
    if (entry.path().extension() != ".safetensors") {
      continue;
    }
    const SafetensorsFile file = load_safetensors(entry.path());
    EXPECT_FALSE(file.tensors.empty());
    EXPECT_EQ(file.metadata.at("dtype"), "float32");
    save_safetensors(path_, file.tensors, file.metadata);
    expect_equal(load_safetensors(path_).tensors, file.tensors);
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST_F(Safetensors, EveryShorterFileIsRefused) {
  save_safetensors(path_, {{"a", at::ones({3})}, {"b", at::ones({5}, at::kByte)}}, {{"k", "v"}});
  const std::string whole = get_bytes(path_);
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(refusal(whole.substr(0, length)), "nothing thrown") << length;
  }
  EXPECT_EQ(thrown_message<CheckpointError>([&] {
              put_bytes(path_, whole);
              load_safetensors(path_);
            }),
            "nothing thrown");
}

TEST_F(Safetensors, FlippedBitsNeverDoMoreThanThrowCheckpointError) {
  save_safetensors(path_, tensors_of_every_dtype(), {{"k", "v"}});
  const std::string whole = get_bytes(path_);
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, whole.data(), sizeof(header_bytes));
  SeededRandom random(7);
  int64_t refused = 0;
  for (int64_t trial = 0; trial < 3000; ++trial) {
    std::string bytes = whole;
    for (uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
      const uint64_t bit = random.below((8 + header_bytes) * 8);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
    put_bytes(path_, bytes);
    try {
      load_safetensors(path_);
    } catch (const CheckpointError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1500);
}

TEST_F(Safetensors, RandomHeadersNeverDoMoreThanThrowCheckpointError) {
  const std::vector<std::string> words = {"{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "\"a\"",
                                          "\"b\"",
                                          "\"dtype\"",
                                          "\"shape\"",
                                          "\"data_offsets\"",
                                          "\"F32\"",
                                          "\"BOOL\"",
                                          "0",
                                          "4",
                                          "-1",
                                          "18446744073709551615",
                                          "1e30",
                                          "null",
                                          "true",
                                          "\"\\u0000\"",
                                          "\"__metadata__\"",
                                          "\xff"};
  SeededRandom random(11);
  for (int64_t trial = 0; trial < 20000; ++trial) {
    std::string header = "{";
    for (uint64_t count = random.below(24); count > 0; --count) {
      header += words[random.below(words.size())];
    }
    try {
      parse_safetensors_header(header, random.below(9), "test");
    } catch (const CheckpointError&) {
      continue;
    }
  }
}

TEST_F(Safetensors, MissingFilesAndFoldersAreNamed) {
  EXPECT_TRUE(
      says(thrown_message<CheckpointError>([this] { load_safetensors(scratch_ / "absent"); }),
           "absent: does not exist"));
  EXPECT_TRUE(says(thrown_message<CheckpointError>([this] { load_safetensors(scratch_.path()); }),
                   "is not a file"));
}

TEST_F(Safetensors, HugeAndOverlongHeadersAreRefused) {
  EXPECT_TRUE(says(refusal(std::string(8, '\xff') + "{}"), "header claims 18446744073709551615"));
  std::string bytes = file_bytes("{}", 0);
  bytes[0] = 3;
  EXPECT_TRUE(says(refusal(bytes), "header claims 3 bytes, but only 2 follow"));
}

TEST_F(Safetensors, HeadersThatAreNotJsonAreRefused) {
  EXPECT_TRUE(says(refusal_of_header("PK zip file"), "not a JSON object"));
  EXPECT_TRUE(says(refusal_of_header(" {}"), "not a JSON object"));
  EXPECT_TRUE(says(refusal_of_header("{\"a\":"), "not valid JSON"));
  EXPECT_TRUE(says(refusal_of_header("{} x"), "not valid JSON"));
  EXPECT_TRUE(says(refusal_of_header(std::string("{}\0x", 4)), "there is a zero byte"));
  EXPECT_TRUE(says(refusal_of_header("{\"\xc3\x28\":1}"), "not valid JSON"));
}

TEST_F(Safetensors, DeepNestingIsRefused) {
  std::string header = "{\"a\":";
  for (int i = 0; i < 100000; ++i) {
    header += "[";
  }
  EXPECT_TRUE(says(refusal_of_header(header), "nested more than 64 deep"));
}

TEST_F(Safetensors, RepeatedNamesAreRefused) {
  const std::string entry = R"({"dtype":"U8","shape":[4],"data_offsets":[)";
  EXPECT_TRUE(says(refusal_of_header("{\"a\":" + entry + "0,4]},\"a\":" + entry + "4,8]}}"),
                   "names \"a\" twice"));
  EXPECT_TRUE(says(
      refusal_of_header(R"({"a":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}})"),
      "names \"dtype\" twice"));
}

TEST_F(Safetensors, DtypesThatCannotBeReadAreListedAndRefusedByName) {
  const std::vector<std::tuple<std::string, int, int>> cases = {
      // elements, bytes
      {"U16", 4, 8},         {"U32", 2, 8},         {"U64", 1, 8},     {"F8_E4M3", 8, 8},
      {"F8_E5M2", 8, 8},     {"F8_E8M0", 8, 8},     {"C64", 1, 8},     {"F4", 16, 8},
      {"F8_E4M3FNUZ", 8, 8}, {"F8_E5M2FNUZ", 8, 8}, {"F6_E2M3", 4, 3}, {"F6_E3M2", 8, 6}};
  for (const auto& [dtype, elements, bytes] : cases) {
    const std::string header = fmt::format(
        R"({{"a":{{"dtype":"{}","shape":[{}],"data_offsets":[0,{}]}}}})", dtype, elements, bytes);
    const uint64_t size = header.size();
    put_bytes(path_, std::string(reinterpret_cast<const char*>(&size), sizeof size) + header +
                         std::string(static_cast<size_t>(bytes), '\1'));
    const std::vector<TensorDescription> tensors = describe_safetensors(path_);
    ASSERT_EQ(tensors.size(), 1U);
    EXPECT_EQ(tensors[0].dtype, dtype);
    EXPECT_EQ(tensors[0].bytes, bytes);
    EXPECT_TRUE(says(thrown_message<CheckpointError>([this] { load_safetensors(path_); }),
                     fmt::format("tensor \"a\" is of dtype {}, which cannot be read", dtype)));
  }
  EXPECT_TRUE(says(refusal_of_header(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,8]}})"),
                   "has 12 bits, which are no whole bytes"));
  EXPECT_TRUE(
      says(refusal_of_header(R"({"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,8]}})"),
           "must have 3 bytes"));
}

TEST_F(Safetensors, NoMetadataMayBeWrittenAsNull) {
  const std::string header =
      R"({"__metadata__":null,"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})";
  EXPECT_TRUE(parse_safetensors_header(header, 8, "test").metadata.empty());
}

TEST_F(Safetensors, UnknownAndMistypedFieldsAreRefused) {
  EXPECT_TRUE(
      says(refusal_of_header(R"({"a":{"dtype":"F8_E9M9","shape":[8],"data_offsets":[0,8]}})"),
           "tensor \"a\" has dtype \"F8_E9M9\", expected one of BOOL"));
  EXPECT_TRUE(says(refusal_of_header(R"({"a":{"dtype":4,"shape":[8],"data_offsets":[0,8]}})"),
                   "dtype that is not a string"));
  EXPECT_TRUE(says(refusal_of_header(R"({"a":{"shape":[8],"data_offsets":[0,8]}})"),
                   "tensor \"a\" has no dtype"));
  EXPECT_TRUE(
      says(refusal_of_header(R"({"a":{"dtype":"U8","data_offsets":[0,8]}})"), "has no shape"));
  EXPECT_TRUE(
      says(refusal_of_header(R"({"a":{"dtype":"U8","shape":[8]}})"), "has no data_offsets"));
  EXPECT_TRUE(
      says(refusal_of_header(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1}})"),
           "unknown key \"x\""));
  EXPECT_TRUE(says(refusal_of_header(R"({"a":[]})"), "must be an object"));
  EXPECT_TRUE(says(refusal_of_header(R"({"__metadata__":[]})"), "must be an object"));
  EXPECT_TRUE(says(refusal_of_header(R"({"__metadata__":{"k":1}})"), "\"k\" must be a string"));
}

TEST_F(Safetensors, ShapesThatCannotBeAreRefused) {
  const auto with_shape = [this](const std::string& shape) {
    return refusal_of_header(
        fmt::format(R"({{"a":{{"dtype":"F32","shape":{},"data_offsets":[0,8]}}}})", shape));
  };
  EXPECT_TRUE(says(with_shape("[-2]"), "not a whole number from 0: -2"));
  EXPECT_TRUE(says(with_shape("[2.0]"), "not a whole number"));
  EXPECT_TRUE(says(with_shape("[\"2\"]"), "not a whole number"));
  EXPECT_TRUE(says(with_shape("[9223372036854775808]"), "not a whole number"));
  EXPECT_TRUE(says(with_shape("[4611686018427387905]"), "too large to exist"));
  EXPECT_TRUE(says(with_shape("[4294967296,4294967296]"), "too large to exist"));
  EXPECT_TRUE(says(with_shape("[0,4294967296,4294967296]"), "too large to exist"));
  EXPECT_TRUE(says(with_shape("2"), "not an array"));
  EXPECT_TRUE(says(with_shape("[3]"), "must have 12 bytes, but its data_offsets span 8"));
}

TEST_F(Safetensors, RangesThatDoNotCoverTheDataOnceAreRefused) {
  const auto two = [this](const std::string& first, const std::string& second, size_t data_bytes) {
    return refusal_of_header(fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":{}}},)"
                                         R"("b":{{"dtype":"U8","shape":[4],"data_offsets":{}}}}})",
                                         first, second),
                             data_bytes);
  };
  EXPECT_TRUE(
      says(two("[0,4]", "[2,6]", 6), "\"b\" begins at byte 2 of the data, within tensor \"a\""));
  EXPECT_TRUE(says(two("[0,4]", "[0,4]", 4), "within tensor"));
  EXPECT_TRUE(says(two("[0,4]", "[6,10]", 10), "bytes 4 to 6 of the data, before tensor \"b\""));
  EXPECT_TRUE(says(two("[0,4]", "[4,8]", 9), "1 bytes after the last tensor"));
  EXPECT_TRUE(says(two("[0,4]", "[4,8]", 7), "holds only 7 bytes of data"));
  EXPECT_TRUE(says(two("[4,0]", "[4,8]", 8), "begins at 4, after its end at 0"));
  EXPECT_TRUE(says(two("[0,4,8]", "[4,8]", 8), "two whole numbers"));
  EXPECT_TRUE(says(two("[-4,0]", "[4,8]", 8), "two whole numbers"));
  EXPECT_TRUE(
      says(two("[0,4]", "[18446744073709551612,18446744073709551616]", 8), "two whole numbers"));
}

TEST_F(Safetensors, TensorsMayLieInAnotherOrderThanTheirNames) {
  put_bytes(path_, file_bytes(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[2,6]},)"
                              R"("b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}   )",
                              0) +
                       "bbaaaa");
  const TensorMap tensors = load_safetensors(path_).tensors;
  EXPECT_EQ(bytes_of(tensors.at("a")), "aaaa");
  EXPECT_EQ(bytes_of(tensors.at("b")), "bb");
}

TEST_F(Safetensors, BoolBytesOtherThanZeroAndOneAreRefused) {
  std::string bytes = file_bytes(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 2);
  bytes.back() = 2;
  put_bytes(path_, bytes);
  EXPECT_TRUE(says(thrown_message<CheckpointError>([this] { load_safetensors(path_); }),
                   "bytes other than 0 and 1"));
}

TEST_F(Safetensors, WhatTheFormatDoesNotHaveIsNotWritten) {
  EXPECT_TRUE(says(thrown_message<CheckpointError>([this] {
                     save_safetensors(path_, {{"c", at::ones({1}, at::kComplexFloat)}});
                   }),
                   "tensor \"c\" has a dtype"));
  EXPECT_TRUE(
      says(thrown_message<CheckpointError>([this] { save_safetensors(path_, {{"u", {}}}); }),
           "tensor \"u\" is undefined"));
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [this] { save_safetensors(path_, {{"__metadata__", at::ones({1})}}); }),
                   "cannot be named"));
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [this] { save_safetensors(path_, {{"\xff", at::ones({1})}}); }),
                   "not UTF-8"));
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

}  // namespace
}  // namespace brt
