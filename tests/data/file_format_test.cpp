// SPDX-License-Identifier: Apache-2.0
// Files are told apart by their first bytes, then by their names.
#include "data/file_format.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/data_fixtures.h"

namespace brt {
namespace {

using namespace std::string_view_literals;
using testing::message_of;

RecognizedFile recognize(std::string_view head, std::string_view name) {
  return recognize_file(head, name, "path/" + std::string(name));
}

TEST(FileFormat, BinaryFilesAreKnownByTheirFirstBytes) {
  const std::vector<std::pair<std::string_view, std::string>> files = {
      {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv, "a PNG image"},
      {"\xff\xd8\xff\xe0\0\x10JFIF"sv, "a JPEG image"},
      {"GIF89a\1\0\1\0\0"sv, "a GIF image"},
      {"%PDF-1.7\n%\xe2\xe3"sv, "a PDF document"},
      {"\x7f"
       "ELF\2\1\1\0"sv,
       "an ELF program or library"},
      {"MZ\x90\0\3\0\0\0"sv, "a Windows program"},
      {"PAR1\x15\4\x15\x10"sv, "a Parquet table"},
      {"ARROW1\0\0"sv, "an Arrow table"},
      {"SQLite format 3\0"sv, "an SQLite database"},
      {"\x93NUMPY\1\0"sv, "a NumPy array"},
      {"RIFF\x24\0\0\0WAVEfmt "sv, "a WAV file"},
      {"\0\0\0\x18"
       "ftypmp42"sv,
       "an MP4 or HEIF file"},
      {"Rar!\x1a\7\1\0"sv, "a RAR archive"},
      {"\0\0\0\1Bud1\0"sv, "a macOS folder's settings"},
      {"\0\5\x16\7\0\2\0\0"sv, "a macOS resource file"},
      {"\x10\0\0\0\0\0\0\0{\"a\""sv, "a safetensors file"},
      {"PK\3\4\x14\0\6\0\x08\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml"sv,
       "an Office document or e-book"}};
  for (const std::pair<std::string_view, std::string>& file : files) {
    for (const char* name : {"x", "x.txt", "x.jsonl", "x.dat"}) {
      const RecognizedFile found = recognize(file.first, name);
      EXPECT_EQ(found.format, FileFormat::kBinary) << file.second << " named " << name;
      EXPECT_EQ(found.what, file.second);
    }
  }
}

TEST(FileFormat, TextsThatBeginLikeASignatureAreTexts) {
  for (const char* text : {"BMW builds cars.", "MZ was the mark of DOS.", "GIF89a is a format.",
                           "PAR1 is how Parquet begins.", "ID3 tags", "ORC and elf", "The ftyp box",
                           "RIFF of WAVE", "PK", "PACK your bags", "BZh", "GGUF models", ""}) {
    EXPECT_EQ(recognize(text, "x.txt").format, FileFormat::kText) << text;
  }
  EXPECT_EQ(recognize("PAR1 and letters only", "x.parquet").format, FileFormat::kBinary);
  EXPECT_EQ(recognize("plain", "x.png").format, FileFormat::kText);
}

TEST(FileFormat, CompressedFilesAreKnownByTheirBytesWhateverTheirName) {
  const std::vector<std::pair<std::string_view, Compression>> files = {
      {"\x1f\x8b\x08\0"sv, Compression::kGzip},
      {"\x28\xb5\x2f\xfd\4"sv, Compression::kZstd},
      {"\x50\x2a\x4d\x18\0"sv, Compression::kZstd},
      {"\xfd"
       "7zXZ\0\0"sv,
       Compression::kXz},
      {"BZh91AY&SY\0"sv, Compression::kBzip2}};
  for (const std::pair<std::string_view, Compression>& file : files) {
    for (const auto& [name, inner] :
         std::vector<std::pair<std::string, std::string>>{{"a.txt", "a.txt"},
                                                          {"A.Txt.GZ", "a.txt"},
                                                          {"a.tgz", "a.tar"},
                                                          {"a.jsonl.xz", "a.jsonl"},
                                                          {"a.zst", "a"},
                                                          {"a.TBZ2", "a.tar"}}) {
      const RecognizedFile found = recognize(file.first, name);
      EXPECT_EQ(found.format, FileFormat::kCompressed) << name;
      EXPECT_EQ(found.compression, file.second) << name;
      EXPECT_EQ(found.inner_name, inner);
    }
  }
}

TEST(FileFormat, NamesOfLinesDoNotDependOnCase) {
  for (const char* name : {"x.jsonl", "x.JSONL", "x.ndjson", "a/b.NdJson"}) {
    EXPECT_EQ(recognize("{\"text\":1}", name).format, FileFormat::kJsonLines) << name;
  }
  EXPECT_EQ(recognize("{\"text\":1}", "x.json").format, FileFormat::kText);
}

TEST(FileFormat, NamesThatPromiseMoreThanThereIsAreRefused) {
  for (const char* name : {"x.gz", "x.jsonl.zst", "x.TGZ", "x.xz", "x.tar", "x.zip", "x.7z"}) {
    EXPECT_EQ(message_of<DataError>([&] {
                recognize("just text", name);
              }).find("path/" + std::string(name) + ": is not "),
              0u)
        << name;
  }
  EXPECT_EQ(recognize("", "x.tar").format, FileFormat::kTar);
  EXPECT_EQ(recognize(std::string(1024, '\0'), "x.tar").format, FileFormat::kTar);
}

TEST(FileFormat, HiddenIsWhatHasAComponentWithADot) {
  for (const char* path : {".a", "a/.b", ".git/config", "./.a", "a/._b/c", "..a"}) {
    EXPECT_TRUE(is_hidden_path(path)) << path;
  }
  for (const char* path : {"a", "./a", "../a", "a.b/c.d", "", "a/", "."}) {
    EXPECT_FALSE(is_hidden_path(path)) << path;
  }
}

}  // namespace
}  // namespace brt
