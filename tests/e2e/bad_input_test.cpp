// SPDX-License-Identifier: Apache-2.0
// The program with wrong flags, damaged files and full disks: it says what is wrong, gives the exit
// code 1 (failed) or 2 (wrong usage), and leaves every file as it was.
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "e2e/refusals.h"
#include "support/weights_file.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class BadInput : public Refusals {};

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
          {train + Command{"train.dtype=fp8"}, "expected \"fp32\", \"bf16\" or \"auto\""},
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
          {from("empty"), "holds no documents"},
          {from("empty.txt"), "every document is empty"},
          {from("number.jsonl"), "number.jsonl:1: the object has no string field \"text\""},
          {from("cut.jsonl"), "cut.jsonl:2: line is not valid JSON"},
          {from("notutf8.jsonl"), "\\xff"},
          {from("cut.tar.gz"), "is not compressed by gzip, as its name says"},
          {books + output + Command{"--tokenizer", "missing.model"}, "give \"bytes\" or the path"},
          {books + output + Command{"--tokenizer", "recipe.toml"}, "not a SentencePiece model"},
          {books + Command{"--output", "recipe.toml"}, "a file of that name is there"},
          {books + Command{"--output", "books/train/data"}, "lies within the input folder"},
          {books + Command{"--output", "books"}, "input lies within the split that would be made"},
          {books + Command{"--output", "/proc/none/data"}, "folder cannot be made"},
      },
      kFailed);
  expect_refused({books + output + Command{"--split", "a/b"}, "must be of letters"}, kWrongUsage);
  EXPECT_FALSE(fs::exists(file("new")));
}

TEST_F(BadInput, BytesThatAreNotUtf8AreATextOfTheByteTokenizer) {
  put("notutf8.txt", std::string("\xff\xfe\0\x80", 4));
  const ProgramResult result =
      run_->run({"prepare", "--input", "notutf8.txt", "--output", "bytes", "--json"});
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
          {{"inspect", "recipe.toml"}, "is not a kind of file that brt inspect knows"},
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
  expect(WeightsFile(good).bytes(uint64_t{1} << 62), "more than the format's");
  WeightsFile overlapping(good);
  overlapping.header["layers.0.ffn_norm.weight"]["data_offsets"] =
      overlapping.header["layers.0.attention_norm.weight"]["data_offsets"];
  expect(overlapping.bytes(), "within tensor");
  WeightsFile of_another_dtype(good);
  of_another_dtype.header["final_norm.weight"]["dtype"] = "I32";
  expect(of_another_dtype.bytes(), "\"final_norm.weight\" must be F32, BF16, F16 or F64, got I32");
  WeightsFile renamed(good);
  renamed.header["final.weight"] = renamed.header["final_norm.weight"];
  renamed.header.erase("final_norm.weight");
  expect(renamed.bytes(), "\"final_norm.weight\" [32] is missing");
  expect(renamed.bytes(), "\"final.weight\" [32] is not a tensor of this model");
  WeightsFile not_finite(good);
  not_finite.data.assign(not_finite.data.size(), '\xff');
  expect(not_finite.bytes(), "not finite");
  fs::remove(file("model/model.safetensors"));
  expect_refused({{"inspect", "model"}, "has no model.safetensors"}, kFailed);
}

TEST_F(BadInput, WeightsAndLossesThatAreNotFiniteEndEvalWithOne) {
  need_run();
  copy("run/checkpoints/step-00000004", "model");
  fs::remove(file("model/manifest.json"));
  const WeightsFile good(bytes_of(file("model/model.safetensors")));
  const auto expect = [&](const std::string& tensor, float value, const std::string& message) {
    WeightsFile weights = good;
    weights.fill(tensor, value);
    put("model/model.safetensors", weights.bytes());
    for (const bool as_json : {false, true}) {
      Command eval = {"eval", "--model", "model", "--data", "data", "--split", "validation"};
      eval.insert(eval.end(), as_json ? 1 : 0, "--json");
      expect_refused({eval, message}, kFailed);
      EXPECT_EQ(run_->run(eval).output, "") << "figures that are none";
    }
  };
  expect("embedding.weight", NAN, "\"embedding.weight\"");
  expect("final_norm.weight", 3e38F, "is not a finite number\nhint: the model's numbers overflow");
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
  run_->must_run(
      {"tokenizer", "train", "--input", "books", "--vocab", "300", "--output", "t.model"});
  run_->must_run(
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
                  "delete the one that the model was not trained with"},
                 kFailed);
  fs::remove(file("model/manifest.json"));
  json config = json::parse(bytes_of(file("model/config.json")));
  config.erase("tokenizer");
  put("model/config.json", config.dump());
  expect_refused({{"generate", "--model", "model", "--prompt", "a", "--tokens", "1"},
                  "has 300 tokens, the model's vocabulary 257"},
                 kFailed);
}

TEST_F(BadInput, StatesThatDoNotFitAreRefused) {
  need_run();
  run_->must_run({"generate", "--model", "run", "--prompt", "abc", "--tokens", "0", "--state-out",
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
    const std::map<std::string, std::string> before = contents_of(run_->folder());
    EXPECT_EQ(run_->run(command, full).code, kFailed);
    EXPECT_TRUE(contents_of(run_->folder()) == before);
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
      run_->run({"train", "--config", "recipe.toml", "--run", "full"}, nearly_full);
  EXPECT_EQ(trained.code, kFailed);
  EXPECT_TRUE(contains(trained.messages, "checkpoint of step 2 was not written"));
  EXPECT_TRUE(contains(trained.messages, "earlier checkpoints of full are as they were"));
  EXPECT_TRUE(fs::is_empty(file("full/checkpoints")));
  run_->must_run({"train", "--config", "recipe.toml", "--run", "full"});
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
  const ProgramResult result = run_->run({"score", "--model", "run", "recipe.toml"}, options);
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
