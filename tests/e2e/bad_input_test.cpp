// SPDX-License-Identifier: Apache-2.0
// The program with wrong flags, damaged files and full disks: it says what is wrong, gives the exit
// code 1 (failed) or 2 (wrong usage), and leaves every file as it was.
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "support/text_assertions.h"
#include "support/tiny_run.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Command = std::vector<std::string>;

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

/// A command, and a part of what it must say.
struct Refusal {
  Command command;
  std::string message;
};

Command operator+(Command command, const Command& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

class BadInput : public testing::Test {
 protected:
  static void SetUpTestSuite() { tiny_ = std::make_unique<TinyRun>(); }
  static void TearDownTestSuite() { tiny_.reset(); }

  static fs::path file(const std::string& name) { return tiny_->folder() / name; }
  static void put(const std::string& name, const std::string& bytes) {
    fs::create_directories(file(name).parent_path());
    put_bytes(file(name), bytes);
  }
  static void need_data() {
    if (!fs::exists(file("data"))) {
      tiny_->prepare();
    }
  }
  static void need_run() {
    need_data();
    if (!fs::exists(file("run"))) {
      tiny_->train();
    }
  }
  /// A copy of a folder, to be damaged; an earlier copy is deleted.
  static void copy(const std::string& from, const std::string& to) {
    fs::remove_all(file(to));
    fs::copy(file(from), file(to), fs::copy_options::recursive);
  }

  static void expect_refused(const Refusal& refusal, int code, const ProcessOptions& options = {}) {
    std::string line = "brt";
    for (const std::string& word : refusal.command) {
      line += ' ';
      line += word.substr(0, 80);
    }
    SCOPED_TRACE(line);
    const std::map<std::string, std::string> before = contents_of(tiny_->folder());
    const ProgramResult result = tiny_->run(refusal.command, options);
    EXPECT_EQ(result.code, code) << result.messages;
    EXPECT_TRUE(contains(result.messages, refusal.message));
    EXPECT_FALSE(result.messages.find("terminate called") != std::string::npos);
    EXPECT_TRUE(contents_of(tiny_->folder()) == before) << "files have changed";
  }
  static void expect_all_refused(const std::vector<Refusal>& refusals, int code) {
    for (const Refusal& refusal : refusals) {
      expect_refused(refusal, code);
    }
  }

  static std::unique_ptr<TinyRun> tiny_;
};

std::unique_ptr<TinyRun> BadInput::tiny_;

TEST_F(BadInput, UnknownVerbsFlagsAndValuesNameTheNearestKnownOne) {
  expect_all_refused(
      {
          {{}, "a verb is missing"},
          {{"evl"}, "did you mean \"eval\"?"},
          {{"--verson"}, "did you mean \"--version\"?"},
          {{"prepare", "--inptu", "books", "--output", "x"}, "did you mean \"--input\"?"},
          {{"tokenizer", "trian"}, "did you mean \"train\"?"},
          {{"train", "--confg", "recipe.toml"}, "did you mean \"--config\"?"},
          {{"score", "--model", "run", "--josn", "book"}, "did you mean \"--json\"?"},
          {{"eval", "--model", "a", "--data", "b", "--split", "c", "--carry", "non"},
           "did you mean \"none\"?"},
          {{"eval", "--model", "a", "--data", "b", "--split", "c", "--dtype", "bf61"},
           "did you mean \"bf16\"?"},
          {{"tokenizer", "train", "--input", "books", "--output", "t", "--type", "bep"},
           "did you mean \"bpe\"?"},
          {{"bench", "deocde"}, "did you mean \"decode\"?"},
          {{"eval", "--carry", std::string(50000, 'a')}, "not in {carried,reset,none}"},
      },
      kWrongUsage);
}

TEST_F(BadInput, MissingAndRepeatedFlagsAreNamed) {
  expect_all_refused(
      {
          {{"prepare", "--output", "x"}, "--input is required"},
          {{"tokenizer", "train", "--vocab", "300"}, "brt tokenizer train --help"},
          {{"report", "--run", "run"}, "--output is required"},
          {{"score", "--model", "run"}, "file is required"},
          {{"generate", "--model", "run"}, "--tokens is required"},
          {{"eval", "--model", "a", "--model", "b"}, "--model is given more than once"},
          {{"score", "--model", "a", "b", "c"}, "unexpected argument \"c\""},
          {{"generate", "--model", "a", "--tokens", "1", "--prompt", "a", "--prompt-file", "b"},
           "--prompt excludes --prompt-file"},
      },
      kWrongUsage);
}

TEST_F(BadInput, NumbersOutOfRangeAreRefusedWithTheirRange) {
  const Command eval = {"eval", "--model", "a", "--data", "b", "--split", "c"};
  const Command generate = {"generate", "--model", "a", "--prompt", "p"};
  const Command write = generate + Command{"--tokens", "9"};
  expect_all_refused(
      {
          {eval + Command{"--lanes", "-1"}, "--lanes: must be a whole number from 0 to"},
          {eval + Command{"--lanes", "1.5"}, "must be a whole number"},
          {eval + Command{"--lanes", "99999999999999999999"}, "must be a whole number"},
          {eval + Command{"--threads", "-3"}, "--threads: must be a whole number from 0 to 4096"},
          {eval + Command{"--max-document-tokens", "-1"}, "must be a whole number of at least 0"},
          {generate + Command{"--tokens", "-1"}, "--tokens: must be a whole number of at least 0"},
          {generate + Command{"--tokens", "many"}, "got \"many\""},
          {write + Command{"--seed", "-1"}, "--seed: must be a whole number from 0 to 1844674407"},
          {write + Command{"--temperature", "-0.5"}, "temperature must be at least 0"},
          {write + Command{"--temperature", "nan"}, "--temperature: must be a number such as"},
          {write + Command{"--top-p", "1.5"}, "top_p must be above 0 and at most 1"},
          {write + Command{"--top-p", "0"}, "top_p must be above 0 and at most 1"},
          {write + Command{"--top-k", "-1"}, "--top-k: must be a whole number of at least 0"},
          {write + Command{"--min-p", "2"}, "min_p must be from 0 to 1"},
          {write + Command{"--repetition-penalty", "0"}, "repetition_penalty must be above 0"},
          {write + Command{"--stop", ""}, "a stop string must not be empty"},
          {{"tokenizer", "train", "--input", "books", "--output", "t", "--vocab", "0"},
           "--vocab: must be a whole number of at least 1"},
          {{"tokenizer", "train", "--input", "books", "--output", "t", "--vocab", "100"},
           "must be larger than 258"},
          {{"bench", "train", "--steps", "0"}, "--steps: must be a whole number from 1 to"},
      },
      kWrongUsage);
}

TEST_F(BadInput, WhatIsNoPlainNumberIsRefusedByEveryFlag) {
  const Command write = {"generate", "--model", "a", "--prompt", "p", "--tokens", "9"};
  const Command eval = {"eval", "--model", "a", "--data", "b", "--split", "c"};
  const Command score = {"score", "--model", "a", "b", "--state-out", "s"};
  const Command pieces = {"tokenizer", "train", "--input", "books", "--output", "t"};
  const std::vector<Command> whole = {{"generate", "--model", "a", "--prompt", "p", "--tokens"},
                                      write + Command{"--samples"},
                                      write + Command{"--top-k"},
                                      write + Command{"--repetition-window"},
                                      write + Command{"--seed"},
                                      write + Command{"--threads"},
                                      eval + Command{"--lanes"},
                                      eval + Command{"--max-document-tokens"},
                                      eval + Command{"--threads"},
                                      score + Command{"--save-every"},
                                      score + Command{"--threads"},
                                      {"compress", "--model", "a", "b", "-o", "c", "--threads"},
                                      {"decompress", "--model", "a", "b", "-o", "c", "--threads"},
                                      {"state", "fork", "a", "b", "--seed"},
                                      pieces + Command{"--vocab"},
                                      pieces + Command{"--threads"},
                                      {"bench", "train", "--steps"},
                                      {"bench", "decode", "--streams"},
                                      {"bench", "read", "--document-tokens"},
                                      {"bench", "train", "--threads"}};
  const std::vector<std::string> odd = {"nan",
                                        "0x10",
                                        "inf",
                                        "1e3",
                                        "010",
                                        " 7",
                                        "7 ",
                                        "7x",
                                        "1_000",
                                        "7.0",
                                        "+7",
                                        "36893488147419103232",
                                        "-36893488147419103232"};
  std::vector<Refusal> refusals;
  for (const Command& command : whole) {
    const size_t tried =
        &command == &whole.front() ? odd.size() : 2;  // all are checked in one place
    for (size_t i = 0; i < tried; ++i) {
      refusals.push_back({command + Command{odd[i]}, command.back() + ": must be a whole number"});
    }
  }
  for (const char* text : {"inf", "1e999", "0x1p-1", " 0.5", "0.5 ", "0.5x", "0,5", "half"}) {
    refusals.push_back({write + Command{"--temperature", text}, "--temperature: must be a number"});
  }
  for (const char* flag : {"--top-p", "--min-p", "--repetition-penalty"}) {
    refusals.push_back({write + Command{flag, "nan"}, std::string(flag) + ": must be a number"});
  }
  for (const char* text : {"1=nan", "1=inf", "1=", "=1", "-1=1", "1=+-5", "1=0x5", "0x1=1", "1=5 ",
                           "1=1e999", "4294967297=1"}) {
    const bool is_in_form = std::string(text) == "1=inf" || std::string(text) == "-1=1";
    refusals.push_back({write + Command{"--logit-bias", text},
                        is_in_form ? "logit_bias must be" : "--logit-bias must be TOKEN=BIAS"});
  }
  expect_all_refused(refusals, kWrongUsage);
}

TEST_F(BadInput, EverySeedThatIsPrintedCanBeGivenBack) {
  need_run();
  const Command generate = {"generate", "--model", "run", "--prompt", "a", "--tokens", "1"};
  tiny_->must_run(generate + Command{"--state-out", "seeds.state"});
  for (int i = 0; i < 8; ++i) {  // half of them are above 2^63
    const std::string copy = "fork" + std::to_string(i);
    const std::string output = tiny_->must_run({"state", "fork", "seeds.state", copy}).output;
    const std::string seed =
        output.substr(output.rfind(' ') + 1, output.size() - output.rfind(' ') - 2);
    const json text =
        json::parse(tiny_->must_run(generate + Command{"--seed", seed, "--json"}).output);
    EXPECT_EQ(std::to_string(text["seed"].get<uint64_t>()), seed);
    tiny_->must_run({"state", "fork", "seeds.state", copy + "b", "--seed", seed});
    EXPECT_EQ(tiny_->run({"state", "diff", copy, copy + "b"}).output, "");
  }
  tiny_->must_run(generate + Command{"--seed", "18446744073709551615", "--samples", "2"});
}

TEST_F(BadInput, WrongSettingsOfARunAreNamedAndNoRunFolderIsMade) {
  need_data();
  put("notutf8.toml", "\xff\xfe[model]");
  const Command train = {"train", "--config", "recipe.toml", "--run", "new/run", "--set"};
  expect_all_refused(
      {
          {train + Command{"model.widht=32"}, "unknown key \"widht\"; did you mean \"width\"?"},
          {train + Command{"modle.width=32"}, "did you mean \"model\"?"},
          {train + Command{"model.width=wide"}, "expected a whole number, got the text \"wide\""},
          {train + Command{"model.position=\"rotary\"", "--set", "model.head_size=15"},
           "head_size"},
          {train + Command{"model.segment=65"}, "must be a multiple of window"},
          {train + Command{"model.recurrent_layers=[7]"}, "there is no layer 7"},
          {train + Command{"model.width=1000000000000"}, "must be between 1 and"},
          {train + Command{"model.vocab_size=100"}, "leave vocab_size out"},
          {train + Command{"train.dtype=fp8"}, "expected \"fp32\" or \"bf16\""},
          {train + Command{"train.threads=-1"}, "must be between 0 and"},
          {train + Command{"train.steps=0"}, "must be at least 1"},
          {train + Command{"train.lanes=3", "--set", "train.accumulation=2"}, "must divide lanes"},
          {train + Command{"data.path=\"\""}, "data.path is not set"},
          {train + Command{"nonsense"}, "expected section.key=value"},
          {{"train", "--config", "notutf8.toml", "--run", "new/run"}, "not valid TOML"},
          {{"bench", "train", "--set", "model.sizee=tiny"}, "did you mean \"size\"?"},
      },
      kWrongUsage);
}

TEST_F(BadInput, TrainingWithoutItsDataLeavesNoRunFolder) {
  need_data();
  const Command train = {"train", "--config", "recipe.toml", "--run", "new/run"};
  expect_all_refused(
      {
          {{"train", "--config", "missing.toml", "--run", "new/run"},
           "missing.toml: cannot be opened"},
          {{"train", "--config", "books", "--run", "new/run"}, "is a folder"},
          {train + Command{"--set", "data.path=missing"},
           "brt prepare --input PATH --output missing"},
          {train + Command{"--set", "data.path=books"}, "it is not prepared data"},
          {train + Command{"--set", "data.validation_split=valid"}, "there is no split \"valid\""},
          {train + Command{"--set", "data.train_split=trian"}, "did you mean train?"},
          {train + Command{"--resume", "must"}, "there is no checkpoint to resume from"},
          {{"train", "--config", "recipe.toml", "--run", "recipe.toml"}, "folder cannot be made"},
          {{"train", "--config", "recipe.toml", "--run", "/proc/none/run"},
           "folder cannot be made"},
          {{"train", "--config", "recipe.toml", "--run", "data"}, "holds prepared data"},
      },
      kFailed);
}

TEST_F(BadInput, InputsThatCannotBePreparedMakeNoFolder) {
  fs::create_directories(file("empty"));
  put("empty.txt", "");
  put("number.jsonl", "{\"text\": 3}\n");
  put("cut.jsonl", "{\"text\": \"a\"}\n{\"te");
  put("notutf8.jsonl", "\xff\xfe\n");
  put("cut.tar.gz", "no archive");
  fs::create_symlink("loop", file("loop"));
  const Command output = {"--output", "new/data"};
  const Command books = {"prepare", "--input", "books/train"};
  const auto from = [&](const char* input) {
    return Command{"prepare", "--input", input} + output;
  };
  expect_all_refused(
      {
          {from("missing"), "missing: no such file or folder\nhint: check the path"},
          {from("loop"), "Too many levels of symbolic links"},
          {from("empty"), "the folder holds no files"},
          {from("empty.txt"), "every document is empty"},
          {from("number.jsonl"), "number.jsonl:1: the object has no string field \"text\""},
          {from("cut.jsonl"), "cut.jsonl:2: line is not valid JSON"},
          {from("notutf8.jsonl"), "\\xff"},
          {from("cut.tar.gz"), "the file may be cut short or damaged"},
          {books + output + Command{"--tokenizer", "missing.model"}, "give \"bytes\" or the path"},
          {books + output + Command{"--tokenizer", "recipe.toml"}, "not a SentencePiece model"},
          {books + Command{"--output", "recipe.toml"}, "a file of that name is there"},
          {books + Command{"--output", "books/train/data"}, "lies within the input folder"},
          {books + Command{"--output", "books"}, "give a new or empty folder"},
          {books + Command{"--output", "/proc/none/data"}, "folder cannot be made"},
      },
      kFailed);
  expect_refused({books + output + Command{"--split", "a/b"}, "must be of letters"}, kWrongUsage);
  EXPECT_FALSE(fs::exists(file("new")));
}

TEST_F(BadInput, BytesThatAreNotUtf8AreATextOfTheByteTokenizer) {
  put("notutf8.txt", std::string("\xff\xfe\0\x80", 4));
  const ProgramResult result =
      tiny_->run({"prepare", "--input", "notutf8.txt", "--output", "bytes", "--json"});
  EXPECT_EQ(result.code, 0) << result.messages;
  EXPECT_EQ(json::parse(result.output)["tokens"], 5);
}

TEST_F(BadInput, ATokenizerThatCannotBeTrainedOrUsedIsRefused) {
  put("empty.txt", "");
  const Command train = {"tokenizer", "train", "--vocab", "300", "--input"};
  expect_all_refused(
      {
          {train + Command{"missing", "--output", "t.model"}, "no such file or folder"},
          {train + Command{"empty.txt", "--output", "t.model"}, "there is no text"},
          {train + Command{"recipe.toml", "--output", "none/t.model"}, "make the folder first"},
          {train + Command{"recipe.toml", "--output", "books"}, "it names a folder"},
          {{"tokenizer", "train", "--vocab", "90000", "--input", "books", "--output", "t.model"},
           "hint: ask for at most"},
          {{"tokenizer", "encode", "--model", "bytes", "books"}, "cannot be read as one text"},
          {{"tokenizer", "encode", "--model", "recipe.toml", "recipe.toml"},
           "not a SentencePiece model"},
          {{"tokenizer", "decode", "--model", "bytes", "recipe.toml"}, "is not a number"},
      },
      kFailed);
  put("ids.txt", "65 300");
  expect_refused({{"tokenizer", "decode", "--model", "bytes", "ids.txt"}, "is outside [0, 257)"},
                 kFailed);
}

TEST_F(BadInput, PathsThatAreNoModelDataOrRunGetAHint) {
  need_run();
  fs::create_directories(file("empty"));
  put("empty.txt", "");
  const auto eval = [](const char* model, const char* data, const char* split) {
    return Command{"eval", "--model", model, "--data", data, "--split", split};
  };
  expect_all_refused(
      {
          {eval("missing", "data", "train"), "give a model folder"},
          {eval("recipe.toml", "data", "train"), "a model folder was expected"},
          {eval("data", "data", "train"), "is prepared data"},
          {eval("empty", "data", "train"), "neither a model folder nor"},
          {eval("run", "missing", "train"), "no such folder of prepared data"},
          {eval("run", "data", "trian"), "did you mean train?"},
          {{"score", "--model", "run", "missing"}, "missing: cannot be opened"},
          {{"score", "--model", "run", "books"}, "books: read failed: Is a directory"},
          {{"score", "--model", "run", "empty.txt"}, "holds no text"},
          {{"generate", "--model", "run", "--tokens", "2"}, "give a prompt of at least one token"},
          {{"generate", "--model", "run", "--tokens", "2", "--prompt-file", "missing"},
           "missing: cannot be opened"},
          {{"inspect", "missing"}, "does not exist"},
          {{"inspect", "recipe.toml"}, "of no kind that can be inspected"},
          {{"selftest", "--golden", "empty"}, "no golden case below it"},
          {{"selftest", "--golden", "missing"}, "is not a folder"},
          {{"report", "--run", "data", "--output", "r.html"}, "not a run folder"},
          {{"report", "--run", "run", "--output", "none/r.html"}, "make the folder first"},
          {{"report", "--run", "run", "--output", "books"}, "it names a folder"},
          {{"generate", "--model", "run", "--prompt", "a", "--tokens", "2", "--state-out",
            "none/s"},
           "make the folder first"},
          {{"bench", "train", "--config", "missing.toml"}, "missing.toml: cannot be opened"},
      },
      kFailed);
}

/// The safetensors file of a model, taken apart.
struct Weights {
  json header;
  std::string data;

  explicit Weights(const std::string& bytes) {
    uint64_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof(size));
    header = json::parse(bytes.substr(sizeof(size), size));
    data = bytes.substr(sizeof(size) + size);
  }
  std::string bytes(uint64_t claimed_header_bytes = 0) const {
    const std::string text = header.dump();
    const uint64_t size = claimed_header_bytes > 0 ? claimed_header_bytes : text.size();
    std::string result(sizeof(size), '\0');
    std::memcpy(result.data(), &size, sizeof(size));
    return result + text + data;
  }
};

TEST_F(BadInput, DamagedWeightsAreRefused) {
  need_run();
  copy("run/checkpoints/step-00000004", "model");
  fs::remove(file("model/manifest.json"));
  const std::string good = bytes_of(file("model/model.safetensors"));
  const auto expect = [&](const std::string& bytes, const std::string& message) {
    put("model/model.safetensors", bytes);
    expect_refused({{"generate", "--model", "model", "--prompt", "a", "--tokens", "2"}, message},
                   kFailed);
  };
  expect("", "too few for a safetensors file");
  expect(good.substr(0, 100), "the file is cut off");
  expect(good.substr(0, good.size() - 1), "the file is cut off");
  expect(Weights(good).bytes(uint64_t{1} << 62), "more than the format's");
  Weights overlapping(good);
  overlapping.header["layers.0.ffn_norm.weight"]["data_offsets"] =
      overlapping.header["layers.0.attention_norm.weight"]["data_offsets"];
  expect(overlapping.bytes(), "within tensor");
  Weights of_another_dtype(good);
  of_another_dtype.header["final_norm.weight"]["dtype"] = "I32";
  expect(of_another_dtype.bytes(), "\"final_norm.weight\" must be F32, BF16, F16 or F64, got I32");
  Weights renamed(good);
  renamed.header["final.weight"] = renamed.header["final_norm.weight"];
  renamed.header.erase("final_norm.weight");
  expect(renamed.bytes(), "\"final_norm.weight\" [32] is missing");
  expect(renamed.bytes(), "\"final.weight\" [32] is not a tensor of this model");
  Weights not_finite(good);
  not_finite.data.assign(not_finite.data.size(), '\xff');
  expect(not_finite.bytes(), "not finite");
  fs::remove(file("model/model.safetensors"));
  expect_refused({{"inspect", "model"}, "model.safetensors: does not exist"}, kFailed);
}

TEST_F(BadInput, DamagedConfigsAreRefused) {
  need_run();
  copy("run/checkpoints/step-00000004", "model");
  fs::remove(file("model/manifest.json"));
  const std::string good = bytes_of(file("model/config.json"));
  const auto expect = [&](const std::string& text, const std::string& message) {
    put("model/config.json", text);
    expect_refused({{"score", "--model", "model", "recipe.toml"}, message}, kFailed);
  };
  const auto with = [&](const char* key, const json& value) {
    json config = json::parse(good);
    config[key] = value;
    return config.dump();
  };
  expect("", "not valid JSON");
  expect(good.substr(0, good.size() / 2), "hint: the file is damaged");
  expect("\xff\xfe", "\\xff");
  expect("[]", "expected a JSON object");
  expect(with("width", "x"), "width: expected a whole number");
  expect(with("width", 48), "\"embedding.weight\" must be [257, 48], got [257, 32]");
  expect(with("segment", 65), "16 does not divide 65");
  expect(with("recurrent_layers", {9}), "there is no layer 9");
  expect(with("vocab_size", 200), "the weights are for a vocabulary of 257 tokens");
  expect(with("model_type", "gpt"), "another kind of model");
  expect(with("format_version", 99), "newer brt");
}

TEST_F(BadInput, DamagedCheckpointsAreRefusedAndNamed) {
  need_run();
  copy("run", "damaged");
  const Command eval = {"eval", "--model", "damaged", "--data", "data", "--split", "train"};
  for (const char* step : {"step-00000002", "step-00000004"}) {
    damage_file(file("damaged/checkpoints") / step / "model.safetensors");
  }
  expect_refused({eval, "no checkpoint of the run is sound"}, kFailed);
  expect_refused({{"eval", "--model", "damaged/checkpoints/step-00000004", "--data", "data",
                   "--split", "train"},
                  "the manifest says"},
                 kFailed);
  expect_refused({{"inspect", "damaged"}, "model.safetensors has checksum"}, kFailed);
  copy("run", "damaged");
  for (const char* step : {"step-00000002", "step-00000004"}) {
    put(std::string("damaged/checkpoints/") + step + "/manifest.json", "{}");
  }
  expect_refused({eval, "manifest.json is damaged"}, kFailed);
  put("damaged/metrics.jsonl", "no JSON\n");
  expect_refused({{"report", "--run", "damaged", "--output", "r.html"}, "not a line of metrics"},
                 kFailed);
}

TEST_F(BadInput, DamagedDataIsRefused) {
  need_run();
  const Command eval = {"eval", "--model", "run", "--data", "damaged", "--split", "validation"};
  const std::string shard = "damaged/validation/shard-00000.brt";
  const std::string good = bytes_of(file("data/validation/shard-00000.brt"));
  copy("data", "damaged");
  put(shard, good.substr(0, 300));
  expect_refused({eval, "cut short or altered"}, kFailed);
  put(shard, "");
  expect_refused({eval, "shard-00000.brt"}, kFailed);
  put(shard, good);
  damage_file(file(shard));
  expect_refused({eval, "altered: its checksum is"}, kFailed);
  expect_refused({{"inspect", "damaged"}, "altered: its checksum is"}, kFailed);
  fs::copy_file(file("data/train/shard-00000.brt"), file(shard),
                fs::copy_options::overwrite_existing);
  expect_refused({eval, "belongs to another data set"}, kFailed);
  fs::remove(file(shard));
  expect_refused({eval, "the shard is missing"}, kFailed);
  copy("data", "damaged");
  put("damaged/dataset.json", "{\"format_version\": 1,");
  expect_refused({eval, "is not valid JSON"}, kFailed);
  // It would not be known which splits are to be kept.
  expect_refused(
      {{"prepare", "--input", "books/train", "--output", "damaged"}, "is not valid JSON"}, kFailed);
  put("damaged/dataset.json", "\xff");
  expect_refused({eval, "\\xff"}, kFailed);
}

TEST_F(BadInput, AnotherTokenizerThanTheModelsIsRefused) {
  need_run();
  tiny_->must_run(
      {"tokenizer", "train", "--input", "books", "--vocab", "300", "--output", "t.model"});
  tiny_->must_run(
      {"prepare", "--input", "books/train", "--output", "pieces", "--tokenizer", "t.model"});
  expect_refused({{"eval", "--model", "run", "--data", "pieces", "--split", "train"},
                  "prepare the data again with --tokenizer set to the model's tokenizer"},
                 kFailed);
  expect_refused({{"prepare", "--input", "books/train", "--output", "data", "--split", "test",
                   "--tokenizer", "t.model"},
                  "use --tokenizer bytes, or another output folder"},
                 kFailed);
  copy("run/checkpoints/step-00000004", "model");
  fs::copy_file(file("t.model"), file("model/tokenizer.model"));
  expect_refused({{"generate", "--model", "model", "--prompt", "a", "--tokens", "1"},
                  "has 300 tokens, the model's vocabulary 257"},
                 kFailed);
}

TEST_F(BadInput, StatesThatDoNotFitAreRefused) {
  need_run();
  tiny_->must_run({"generate", "--model", "run", "--prompt", "abc", "--tokens", "0", "--state-out",
                   "good.state"});
  const std::string good = bytes_of(file("good.state"));
  const auto from = [](const char* state) {
    return Command{"generate", "--model", "run", "--tokens", "1", "--state-in", state};
  };
  put("cut.state", good.substr(0, good.size() / 2));
  put("altered.state", good);
  std::string altered = good;
  altered[altered.size() - 9] = static_cast<char>(altered[altered.size() - 9] ^ 1);
  put("altered.state", altered);
  expect_all_refused(
      {
          {from("missing"), "missing: cannot be opened"},
          {from("books"), "is a folder, a file was expected"},
          {from("recipe.toml"), "not a state file"},
          {from("run/checkpoints/step-00000004/model.safetensors"), "not a state file"},
          {from("cut.state"), "the state file is damaged"},
          {from("altered.state"), "the state file is damaged"},
          {{"inspect", "altered.state"}, "the state file is damaged"},
          {{"generate", "--model", "run/checkpoints/step-00000002", "--tokens", "1", "--state-in",
            "good.state"},
           "belongs to another model"},
      },
      kFailed);
}

/// A write beyond the limit fails as on a full disk, with another reason.
TEST_F(BadInput, AFullDiskLeavesNothingHalfWritten) {
  need_run();
  ProcessOptions full;
  full.most_file_bytes = 0;
  ProcessOptions nearly_full;
  nearly_full.most_file_bytes = 20000;  // logs fit, weights do not
  ProcessOptions messages_only;
  messages_only.most_file_bytes = 2000;  // less than a state or a page
  const Command generate = {"generate", "--model", "run", "--prompt", "a", "--tokens", "1"};
  put("old.state", "old");
  put("old.html", "old");
  // stdout and stderr go to files too, so the message itself is lost under the tightest limit.
  const auto expect_failed = [&](const Command& command) {
    SCOPED_TRACE(command.front());
    const std::map<std::string, std::string> before = contents_of(tiny_->folder());
    EXPECT_EQ(tiny_->run(command, full).code, kFailed);
    EXPECT_TRUE(contents_of(tiny_->folder()) == before);
  };
  expect_failed({"prepare", "--input", "books/train", "--output", "new/data"});
  expect_failed({"prepare", "--input", "books/train", "--output", "data"});
  expect_failed({"train", "--config", "recipe.toml", "--run", "new/run"});
  expect_failed(
      {"tokenizer", "train", "--input", "books", "--vocab", "300", "--output", "full.model"});
  expect_refused({generate + Command{"--state-out", "old.state"}, "File too large"}, kFailed,
                 messages_only);
  expect_refused({{"report", "--run", "run", "--output", "old.html"}, "ulimit -f"}, kFailed,
                 messages_only);

  const ProgramResult trained =
      tiny_->run({"train", "--config", "recipe.toml", "--run", "full"}, nearly_full);
  EXPECT_EQ(trained.code, kFailed);
  EXPECT_TRUE(contains(trained.messages, "checkpoint of step 2 was not written"));
  EXPECT_TRUE(contains(trained.messages, "earlier checkpoints of full are as they were"));
  EXPECT_TRUE(fs::is_empty(file("full/checkpoints")));
  tiny_->must_run({"train", "--config", "recipe.toml", "--run", "full"});
  EXPECT_TRUE(bytes_of(file("full/checkpoints/step-00000004/model.safetensors")) ==
              bytes_of(file("run/checkpoints/step-00000004/model.safetensors")));
}

TEST_F(BadInput, AStandardOutputThatTakesNothingIsAnError) {
  need_run();
  ProcessOptions full;
  full.output = "/dev/full";
  for (const Command& command : std::vector<Command>{
           {"--help"},
           {"inspect", "run"},
           {"score", "--model", "run", "recipe.toml"},
           {"eval", "--model", "run", "--data", "data", "--split", "train"},
           {"generate", "--model", "run", "--prompt", "a", "--tokens", "100000000"},
           {"tokenizer", "encode", "--model", "bytes", "recipe.toml"}}) {
    expect_refused({command, "standard output: cannot be written: No space left on device"},
                   kFailed, full);
  }
}

TEST_F(BadInput, AReaderThatGoesAwayEndsTheProgramQuietly) {
  need_run();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  ProcessOptions options;
  options.output = "/proc/self/fd/" + std::to_string(ends[1]);
  const ProgramResult result = tiny_->run({"score", "--model", "run", "recipe.toml"}, options);
  ::close(ends[1]);
  EXPECT_EQ(result.code, -SIGPIPE);
  EXPECT_EQ(result.messages, "");
}

TEST_F(BadInput, ARunInUseByAnotherProcessIsLeftAlone) {
  need_run();
  copy("run", "busy");
  const FileLock lock(file("busy/run.lock"));
  expect_refused({{"train", "--config", "recipe.toml", "--run", "busy"},
                  "busy: in use by another process (pid " + std::to_string(::getpid()) + ")"},
                 kFailed);
}

TEST_F(BadInput, AFinishedRunIsNotTrainedWithOtherSettings) {
  need_run();
  const Command train = {"train", "--config", "recipe.toml", "--run", "run"};
  expect_refused({train + Command{"--set", "model.gate=lstm"}, "model.gate was"}, kWrongUsage);
  expect_refused({train + Command{"--set", "train.steps=2"}, "has reached step 4 already"},
                 kWrongUsage);
  expect_refused({train + Command{"--resume", "never"}, "has checkpoints already"}, kFailed);
}

}  // namespace
}  // namespace brt
