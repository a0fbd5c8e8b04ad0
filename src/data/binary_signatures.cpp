// SPDX-License-Identifier: Apache-2.0
// The table of signatures, and the few formats that a plain comparison does not tell.
#include "data/binary_signatures.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace brt {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  std::string_view what;
  std::string_view endings = ""sv;  ///< not empty: letters that a text may begin with
  size_t offset = 0;
};

constexpr std::array kSignatures = {
    // images
    Signature{"\x89PNG\r\n\x1a\n"sv, "a PNG image"sv},
    Signature{"\xff\xd8\xff"sv, "a JPEG image"sv},
    Signature{"GIF87a"sv, "a GIF image"sv, ".gif"sv},
    Signature{"GIF89a"sv, "a GIF image"sv, ".gif"sv},
    Signature{"BM"sv, "a BMP image"sv, ".bmp"sv},
    Signature{"II*\0"sv, "a TIFF image"sv},
    Signature{"MM\0*"sv, "a TIFF image"sv},
    Signature{"WEBP"sv, "a WebP image"sv, ".webp"sv, 8},
    Signature{"\0\0\1\0"sv, "an icon"sv},
    Signature{"8BPS\0"sv, "a Photoshop image"sv},
    Signature{"gimp xcf "sv, "a GIMP image"sv, ".xcf"sv},
    // sound and moving pictures
    Signature{"ftyp"sv, "an MP4 or HEIF file"sv, ".mp4.m4a.m4v.mov.heic.avif"sv, 4},
    Signature{"\x1a\x45\xdf\xa3"sv, "a Matroska video"sv},
    Signature{"OggS\0"sv, "an Ogg file"sv},
    Signature{"fLaC"sv, "a FLAC file"sv, ".flac"sv},
    Signature{"ID3"sv, "an MP3 file"sv, ".mp3"sv},
    Signature{"MThd\0"sv, "a MIDI file"sv},
    Signature{"FLV\1"sv, "a Flash video"sv},
    Signature{"WAVE"sv, "a WAV file"sv, ".wav"sv, 8},
    Signature{"AVI "sv, "an AVI video"sv, ".avi"sv, 8},
    // programs
    Signature{"\x7f"
              "ELF"sv,
              "an ELF program or library"sv},
    Signature{"MZ"sv, "a Windows program"sv, ".exe.dll"sv},
    Signature{"\xfe\xed\xfa\xce"sv, "a macOS program"sv},
    Signature{"\xfe\xed\xfa\xcf"sv, "a macOS program"sv},
    Signature{"\xce\xfa\xed\xfe"sv, "a macOS program"sv},
    Signature{"\xcf\xfa\xed\xfe"sv, "a macOS program"sv},
    Signature{"\xca\xfe\xba\xbe"sv, "a Java class or macOS program"sv},
    Signature{"\0asm"sv, "a WebAssembly program"sv},
    Signature{"BC\xc0\xde"sv, "LLVM bitcode"sv},
    // documents with a layout
    Signature{"%PDF-"sv, "a PDF document"sv},
    Signature{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "an Office document"sv},
    Signature{"AT&TFORM"sv, "a DjVu document"sv, ".djvu"sv},
    // tables and arrays
    Signature{"PAR1"sv, "a Parquet table"sv, ".parquet"sv},
    Signature{"ARROW1\0\0"sv, "an Arrow table"sv},
    Signature{"ORC"sv, "an ORC table"sv, ".orc"sv},
    Signature{"Obj\1"sv, "an Avro table"sv},
    Signature{"\x89HDF\r\n\x1a\n"sv, "an HDF5 file"sv},
    Signature{"SQLite format 3\0"sv, "an SQLite database"sv},
    Signature{"\x93NUMPY"sv, "a NumPy array"sv},
    Signature{"\x80\2"sv, "a Python pickle"sv},
    Signature{"\x80\3"sv, "a Python pickle"sv},
    Signature{"\x80\4"sv, "a Python pickle"sv},
    Signature{"\x80\5"sv, "a Python pickle"sv},
    Signature{"GGUF"sv, "a GGUF model"sv, ".gguf"sv},
    Signature{"BRTSHARD"sv, "a shard of prepared data"sv, ".brt"sv},
    // archives of other kinds
    Signature{"Rar!\x1a\7"sv, "a RAR archive"sv},
    Signature{"PK\7\x8"sv, "a part of a zip archive"sv},
    Signature{"\x1f\x9d"sv, "a file of compress (.Z)"sv},
    Signature{"LZIP"sv, "an lzip file"sv, ".lz"sv},
    Signature{"\x04\x22\x4d\x18"sv, "an lz4 file"sv},
    Signature{"\x89LZO"sv, "an lzop file"sv},
    Signature{"\x5d\0\0"sv, "an lzma file"sv},
    Signature{"MSCF\0"sv, "a cabinet archive"sv},
    Signature{"!<arch>\n"sv, "an ar archive"sv},
    Signature{"xar!"sv, "a xar archive"sv, ".xar.pkg"sv},
    Signature{"PACK"sv, "a git pack"sv, ".pack"sv},
    // fonts and files of the desktop
    Signature{"wOFF"sv, "a font"sv, ".woff"sv},
    Signature{"wOF2"sv, "a font"sv, ".woff2"sv},
    Signature{"OTTO\0"sv, "a font"sv},
    Signature{"\0\1\0\0\0"sv, "a font"sv},
    Signature{"\0\5\x16\7"sv, "a macOS resource file"sv},
    Signature{"\0\0\0\1Bud1"sv, "a macOS folder's settings"sv},
};

/// Whether the bytes hold a control character that texts have no use for.
bool has_control_character(std::string_view bytes) {
  return std::ranges::any_of(bytes, [](char c) {
    const unsigned char byte = static_cast<unsigned char>(c);
    return byte < 0x20 && !(byte >= 0x07 && byte <= 0x0d) && byte != 0x1b;
  });
}

std::string_view ending_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? ""sv : name.substr(dot);
}

/// Whether `endings`, such as ".exe.dll", names the ending.
bool names(std::string_view endings, std::string_view ending) {
  const size_t begin = ending.size() < 2 ? std::string_view::npos : endings.find(ending);
  const size_t end = begin + ending.size();
  return begin != std::string_view::npos && (end == endings.size() || endings[end] == '.');
}

/// Zip archives that are documents or programs: reading their members would give markup.
std::string zip_kind(std::string_view head, std::string_view ending) {
  constexpr size_t kNameOffset = 30;
  if (!head.starts_with("PK\3\4"sv)) {
    return "";
  }
  if (names(".docx.xlsx.pptx.odt.ods.odp.epub"sv, ending)) {
    return "an Office document or e-book";
  }
  if (names(".jar.apk.whl.npz.pt.pth"sv, ending)) {
    return "a zip archive of programs or arrays";
  }
  const std::string_view first = head.substr(std::min(kNameOffset, head.size()));
  if (first.starts_with("[Content_Types].xml") || first.starts_with("_rels/.rels") ||
      first.starts_with("mimetypeapplication/")) {
    return "an Office document or e-book";
  }
  return first.starts_with("META-INF/") ? "a zip archive of programs" : "";
}

/// A little-endian length of the header that follows at once.
bool is_safetensors(std::string_view head) {
  return head.size() > 9 && head.substr(5, 3) == "\0\0\0"sv && head.substr(8, 2) == "{\""sv;
}

}  // namespace

std::string binary_kind(std::string_view head, std::string_view name) {
  const std::string_view ending = ending_of(name);
  for (const Signature& signature : kSignatures) {
    if (head.size() >= signature.offset &&
        head.substr(signature.offset).starts_with(signature.bytes) &&
        (signature.endings.empty() || names(signature.endings, ending) ||
         has_control_character(head))) {
      return std::string(signature.what);
    }
  }
  if (is_safetensors(head)) {
    return "a safetensors file";
  }
  return zip_kind(head, ending);
}

}  // namespace brt
