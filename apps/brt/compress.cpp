// SPDX-License-Identifier: Apache-2.0
// brt compress and brt decompress: text to its arithmetic code under a model, and back.
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/output_check.h"
#include "compression/compression.h"
#include "data/byte_stream.h"
#include "engine_flags.h"
#include "kernels/cpu_target.h"
#include "messages.h"
#include "model_flag.h"
#include "standard_output.h"
#include "verbs.h"

namespace brt {
namespace {

struct CompressArguments {
  std::string model;
  std::string file;
  std::string output;
  EngineFlags engine;
  bool fastest = false;
  bool json = false;
};

constexpr const char* kCompressExamples = R"(examples:
  brt compress --model runs/demo/rec book.txt -o book.brt
  brt decompress --model runs/demo/rec book.brt -o book.txt
  cat book.txt | brt compress --model runs/demo/rec - -o - > book.brt

Lossless for any bytes; text like that which the model was trained on becomes smallest. The file names
the model's fingerprint and --weights, which decompressing needs again: keep the model. Every machine can
decompress it, x86 or Arm, whatever the processor has; with --fastest only the same CPU target can.
Its size is the bits that brt score finds and about 50 bytes more; text that would grow is kept as it is.)";

constexpr const char* kDecompressExamples = R"(examples:
  brt decompress --model runs/demo/rec book.brt -o book.txt
  brt decompress --model runs/demo/rec book.brt -o - | less

A file appears whole and verified, or not at all. Standard output gets the text as it is decoded; exit
code 1 tells that the file was damaged. The model and --weights, and of a file of compress --fastest
the CPU target (BRT_CPU_TARGET), must be those of brt compress; the message names them otherwise.)";

/// A file that appears whole or not at all, or standard output.
class Output {
 public:
  explicit Output(const std::string& path) {
    if (path != "-") {
      file_.emplace(path);
    }
  }
  void write(std::string_view bytes) {
    if (file_) {
      file_->write(bytes);
    } else {
      write_standard_output(bytes);
    }
  }
  void commit() {
    if (file_) {
      file_->commit();
    }
  }

 private:
  std::optional<AtomicFile> file_;
};

void check_arguments(const CompressArguments& arguments) {
  if (arguments.output != "-") {
    check_output_file(arguments.output);
  } else if (arguments.json) {
    throw ConfigError("--json and the file cannot both go to standard output",
                      "give a file with -o FILE");
  }
}

/// To the reader: on stderr, or as JSON.
void report(const CompressArguments& arguments,
            uint64_t bytes,
            uint64_t compressed_bytes,
            double seconds) {
  const double bits_per_byte =
      8.0 * static_cast<double>(compressed_bytes) / static_cast<double>(bytes);
  if (arguments.json) {
    const nlohmann::ordered_json object = {{"bytes", bytes},
                                           {"compressed_bytes", compressed_bytes},
                                           {"bits_per_byte", bits_per_byte},
                                           {"seconds", seconds}};
    fmt::print("{}\n", object.dump());
    return;
  }
  write_message(
      fmt::format("{} bytes of text, {} compressed{}, {:.1f} s\n", bytes, compressed_bytes,
                  bytes == 0 ? "" : fmt::format(", {:.4f} bits per byte", bits_per_byte), seconds));
}

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void run_compress(const CompressArguments& arguments) {
  check_arguments(arguments);
  const std::unique_ptr<ByteStream> input = open_plain_stream(arguments.file);
  kernels::use_portable_arithmetic(!arguments.fastest);
  const EngineWithTokenizer loaded = load_engine(arguments.model, arguments.engine);
  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  Output output(arguments.output);
  Compressor compressor(*loaded.engine, *loaded.tokenizer,
                        [&](std::string_view bytes) { output.write(bytes); });
  std::array<char, 1 << 16> buffer;
  while (const size_t size = input->read(buffer.data(), buffer.size())) {
    compressor.append(std::string_view(buffer.data(), size));
  }
  compressor.finish();
  output.commit();
  report(arguments, compressor.content().bytes, compressor.bytes_written(), seconds_since(began));
}

void run_decompress(const CompressArguments& arguments) {
  check_arguments(arguments);
  const std::unique_ptr<ByteStream> input = open_plain_stream(arguments.file);
  const std::string origin = arguments.file == "-" ? "standard input" : arguments.file;
  CompressedFileReader file(origin,
                            [&](char* buffer, size_t size) { return input->read(buffer, size); });
  kernels::use_portable_arithmetic(file.model().kernel_target == kernels::kPortableArithmetic);
  const EngineWithTokenizer loaded = load_engine(arguments.model, arguments.engine);
  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  Output output(arguments.output);
  const ContentSummary content = decompress(*loaded.engine, *loaded.tokenizer, file,
                                            [&](std::string_view text) { output.write(text); });
  output.commit();
  report(arguments, content.bytes, input->input_bytes_read(), seconds_since(began));
}

CLI::App* add_verb(CLI::App& app,
                   const char* name,
                   const char* description,
                   const char* file_description,
                   const char* examples,
                   const std::shared_ptr<CompressArguments>& arguments,
                   void (*run)(const CompressArguments&)) {
  CLI::App* verb = app.add_subcommand(name, description);
  add_model_flag(*verb, arguments->model);
  verb->add_option("file", arguments->file, file_description)->required();
  verb->add_option("-o,--output", arguments->output, "file to write, or - for standard output")
      ->required();
  add_engine_flags(*verb, arguments->engine);
  verb->add_flag("--json", arguments->json, "one JSON object on stdout: sizes, bits per byte");
  verb->footer(examples);
  verb->callback([arguments, run] { run(*arguments); });
  return verb;
}

}  // namespace

void add_compress_verb(CLI::App& app) {
  const std::shared_ptr<CompressArguments> arguments = std::make_shared<CompressArguments>();
  CLI::App* verb = add_verb(
      app, "compress", "Make a text small with a model's predictions, losslessly.",
      "file to compress, or - for standard input", kCompressExamples, arguments, run_compress);
  verb->add_flag(
      "--fastest", arguments->fastest,
      "use this CPU's fastest arithmetic: only the same CPU target can decompress the file");
}

void add_decompress_verb(CLI::App& app) {
  add_verb(app, "decompress", "Give back what brt compress was given.",
           "compressed file, or - for standard input", kDecompressExamples,
           std::make_shared<CompressArguments>(), run_decompress);
}

}  // namespace brt
