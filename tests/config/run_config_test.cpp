// SPDX-License-Identifier: Apache-2.0
// Recipes: reading, overrides, every kind of problem, writing.
#include "config/run_config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "config/override_notes.h"
#include "config/presets.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

using Overrides = std::vector<std::string>;

RunConfig parse(const std::string& text, const Overrides& overrides = {}) {
  return parse_run_config(text, "run.toml", overrides);
}

std::string message_of(const std::string& text, const Overrides& overrides = {}) {
  try {
    parse(text, overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(RunConfig, AnEmptyRecipeHasTheDefaults) { EXPECT_EQ(parse(""), RunConfig()); }

TEST(RunConfig, ReadsEveryTypeOfValue) {
  const RunConfig config = parse(R"(
    [model]
    num_layers = 3
    recurrent_layers = [-1, 0]
    gate = "lstm"
    feedback = true
    [data]
    path = "some folder"
    [optimizer]
    rate = 2            # a whole number is a number
    weight_decay = 1e-3
  )");
  EXPECT_EQ(config.model.num_layers, 3);
  EXPECT_EQ(config.model.recurrent_layers, (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(config.model.gate, GateType::kLstm);
  EXPECT_TRUE(config.model.feedback);
  EXPECT_EQ(config.data.path, "some folder");
  EXPECT_EQ(config.optimizer.rate, 2.0);
  EXPECT_EQ(config.optimizer.weight_decay, 1e-3);
}

TEST(RunConfig, PresetAndSizeComeBeforeTheOtherKeysOfTheModel) {
  const RunConfig config =
      parse("[model]\nwidth = 48\npreset = \"rec-lstm-dual\"\nsize = \"tiny\"\n");
  ModelConfig expected = make_preset("rec-lstm-dual", "tiny");
  expected.width = 48;
  EXPECT_EQ(config.model, expected);
}

TEST(RunConfig, PresetOrSizeAloneTakeTheOtherFromThePaper) {
  EXPECT_EQ(parse("[model]\npreset = \"slide\"").model, make_preset("slide", "150m"));
  EXPECT_EQ(parse("[model]\nsize = \"small\"").model, make_preset("rec-fixed-skip", "small"));
}

TEST(RunConfig, OverridesComeLastAndBareWordsAreText) {
  const RunConfig config =
      parse("[model]\nsize = \"small\"\nwidth = 64\n[train]\nsteps = 5\n",
            {"train.steps=7", "model.preset=rec-lstm-skip", "data.path=data/prepared/books",
             "train.dtype=bf16", "optimizer.rate = 0.5", "model.recurrent_layers=[1, 2]",
             "data.validation_split=", "data.train_split=\"a b\"", "train.steps=8"});
  EXPECT_EQ(config.train.steps, 8);
  EXPECT_EQ(config.model.gate, GateType::kLstm);
  EXPECT_EQ(config.model.num_layers, 6);
  EXPECT_EQ(config.model.width, 64);
  EXPECT_EQ(config.data.path, "data/prepared/books");
  EXPECT_EQ(config.train.dtype, DType::kBf16);
  EXPECT_EQ(config.optimizer.rate, 0.5);
  EXPECT_EQ(config.model.recurrent_layers, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(config.data.validation_split, "");
  EXPECT_EQ(config.data.train_split, "a b");
}

TEST(RunConfig, AnOverrideOfTheSizeWinsOverTheFilesSize) {
  EXPECT_EQ(parse("[model]\nsize = \"small\"", {"model.size=1.2b"}).model,
            make_preset("rec-fixed-skip", "1.2b"));
}

TEST(RunConfig, TheSegmentOfXlFollowsItsWindowUnlessSet) {
  const std::string recipe = "[model]\npreset = \"xl\"\n";
  EXPECT_EQ(parse(recipe).model.segment, 512);
  EXPECT_EQ(parse(recipe, {"model.window=1024"}).model.segment, 1024);
  EXPECT_EQ(parse(recipe + "segment = 4096\n", {"model.window=1024"}).model.segment, 4096);
  EXPECT_EQ(parse("[model]\npreset = \"slide\"\nwindow = 1024\n").model.segment, 4096);
}

/// A recipe with segments of 64 tokens, 4 lanes and one recurrent layer.
constexpr const char* kTinyRecipe =
    "[model]\npreset = \"rec-fixed-skip\"\nsize = \"tiny\"\n[train]\nlanes = 4\n";

TEST(RunConfig, LanesFollowASegmentThatAPresetOfAnOverrideShortens) {
  std::vector<std::string> notes;
  const RunConfig xl = parse_run_config(kTinyRecipe, "run.toml", {"model.preset=xl"}, notes);
  EXPECT_EQ(xl.model, make_preset("xl", "tiny"));
  EXPECT_EQ(xl.model.segment, 16);
  EXPECT_EQ(xl.train.lanes, 16);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(
      notes[0],
      "segments of 16 instead of 64 tokens: train.lanes is 16 instead of 4, so that a step has "
      "256 tokens as before");
  EXPECT_EQ(parse(kTinyRecipe, {"model.preset=xl", "model.window=32"}).train.lanes, 8);
  EXPECT_EQ(parse(kTinyRecipe, {"model.preset=xl", "model.size=small"}).train.lanes,
            4 * 1024 / 128);
  EXPECT_EQ(parse("", {"model.preset=xl", "model.size=small"}).train.lanes, 8 * 1024 / 128);
  EXPECT_EQ(parse("[model]\npreset = \"xl\"\nsize = \"small\"").train.lanes, 8 * 1024 / 128);
}

TEST(RunConfig, LanesFollowASegmentThatAPresetOfAnOverrideLengthens) {
  const std::string recipe = "[model]\npreset = \"xl\"\nsize = \"tiny\"\n[train]\nlanes = ";
  EXPECT_EQ(parse(recipe + "8", {"model.preset=slide"}).train.lanes, 2);
  std::vector<std::string> notes;
  EXPECT_EQ(parse_run_config(recipe + "3", "", {"model.preset=slide"}, notes).train.lanes, 3);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_TRUE(contains(notes[0], "a step has 192 tokens instead of 48, since 3 lanes cannot"));
}

TEST(RunConfig, LanesStayWhereTheyOrTheSegmentAreChosen) {
  std::vector<std::string> notes;
  const auto lanes = [&](const Overrides& overrides) {
    return parse_run_config(kTinyRecipe, "", overrides, notes).train.lanes;
  };
  EXPECT_EQ(lanes({"model.preset=xl", "train.lanes=4"}), 4);
  EXPECT_EQ(lanes({"model.preset=xl", "model.segment=32"}), 4);
  EXPECT_EQ(lanes({"model.preset=slide"}), 4);
  EXPECT_EQ(lanes({"model.size=small"}), 4);
  EXPECT_EQ(lanes({}), 4);
  EXPECT_EQ(
      parse_run_config("[model]\npreset = \"xl\"\n[train]\nlanes = 4\n", "", {}, notes).train.lanes,
      4);
  EXPECT_TRUE(notes.empty());
}

TEST(RunConfig, APresetOfAnOverrideBeatsWhatTheFileSaysOfTheSameThings) {
  const std::string recipe =
      "[model]\nsize = \"tiny\"\nnum_layers = 4\nrecurrent_layers = [2]\ngate = \"lstm\"\n"
      "window = 8\nsegment = 32\n[train]\nlanes = 4\n";
  EXPECT_EQ(parse(recipe, {"model.preset=slide"}).model.recurrent_layers, std::vector<int64_t>{});
  const RunConfig xl = parse(recipe, {"model.preset=xl"});
  EXPECT_EQ(xl.model.recurrent_layers, std::vector<int64_t>{});
  EXPECT_EQ(xl.model.segment, 8);
  EXPECT_EQ(xl.train.lanes, 16);
  const RunConfig rec = parse(recipe, {"model.preset=feedback-fixed-dual"});
  EXPECT_EQ(rec.model.gate, GateType::kFixed);
  EXPECT_TRUE(rec.model.feedback);
  EXPECT_EQ(rec.model.recurrent_layers, std::vector<int64_t>{2});  // where, not whether
  EXPECT_EQ(rec.model.segment, 32);
  EXPECT_EQ(parse(recipe, {"model.preset=rec-fixed-skip", "model.gate=lstm"}).model.gate,
            GateType::kLstm);
  const std::string saved = run_config_to_toml(parse(recipe, {"model.preset=slide"}));
  EXPECT_EQ(parse(saved, {"model.preset=rec-fixed-skip", "model.size=tiny"}).model.recurrent_layers,
            std::vector<int64_t>{1});  // a saved list without layers says nothing of where
}

TEST(RunConfig, HugeNumbersOfLanesAreAProblemAndNoOverflow) {
  EXPECT_TRUE(contains(message_of("[train]\nlanes = 9223372036854775807\n", {"model.preset=xl"}),
                       "train.lanes: must be between 1 and 1048576"));
}

TEST(RunConfig, WordsOfOtherTrainersLeadToOurSettings) {
  const auto hint = [](const std::string& key) { return message_of("", {"train." + key + "=1"}); };
  for (const auto& [key, setting] :
       {std::pair<const char*, const char*>{"batch_size", "train.lanes"},
        {"per-device-train-batch-size", "train.lanes"},
        {"lr", "optimizer.rate"},
        {"learning_rate", "optimizer.rate"},
        {"epochs", "train.steps"},
        {"max_steps", "train.steps"},
        {"Iterations", "train.steps"},
        {"n_layer", "model.num_layers"},
        {"n_head", "model.num_heads"},
        {"d_model", "model.width"},
        {"hidden_size", "model.width"},
        {"grad_clip", "optimizer.clip_norm"},
        {"vocab", "model.vocab_size"},
        {"weight_decay", "optimizer.weight_decay"},
        {"warmup", "optimizer.warmup"}}) {
    EXPECT_TRUE(contains(
        hint(key), std::string("unknown key \"") + key + "\"; did you mean \"" + setting + "\"?"))
        << hint(key);
  }
  for (const char* key : {"context_length", "block_size", "seq_len"}) {
    EXPECT_TRUE(contains(hint(key), "did you mean \"model.segment\" or \"model.window\"?")) << key;
  }
  EXPECT_TRUE(contains(message_of("lr = 3e-4\n"),
                       "lr: stands outside of a section; did you mean \"optimizer.rate\"?"));
  EXPECT_TRUE(contains(message_of("", {"batch_size=8"}),
                       "expected section.key=value; did you mean \"train.lanes\"?"));
}

TEST(RunConfig, ANameThatIsNearNothingGetsTheListInsteadOfAGuess) {
  EXPECT_EQ(message_of("", {"model.size=gigantic"}),
            "run.toml: --set model.size=gigantic: unknown size \"gigantic\"; expected \"tiny\", "
            "\"small\", \"medium\", \"37m\", \"75m\", \"150m\", \"300m\", \"600m\" or \"1.2b\"");
  EXPECT_TRUE(contains(message_of("", {"data.frobnicate=1"}),
                       "unknown key \"frobnicate\"; expected \"path\", \"train_split\", "));
}

TEST(RunConfig, OneProblemStaysOnOneLine) {
  EXPECT_EQ(message_of("[model]\nwidht = 3\n"),
            "run.toml: model.widht: unknown key \"widht\"; did you mean \"width\"? (line 2)");
  EXPECT_EQ(message_of("[trian]\nsteps = 3\n"),
            "run.toml: trian: unknown section \"trian\"; did you mean \"train\"? (line 1)");
}

TEST(RunConfig, EveryProblemIsListedAtOnce) {
  const std::string message = message_of(R"([train]
steps = "many"
dropout = true
dtype = "fp16"
lanes = 4.5
seed = -1
[optimizer]
shedule = "cosine"
[model]
recurrent_layers = [1, "2"]
feedback = 1
segment = 1000
preset = "rec-fixed-skp"
[data]
path = 3
[evaluation]
every = 1979-05-27
)",
                                         {"train.keep_last=0"});
  EXPECT_EQ(message, R"(run.toml: 13 problems
  optimizer.shedule: unknown key "shedule"; did you mean "schedule"? (line 8)
  model.preset: unknown preset "rec-fixed-skp"; did you mean "rec-fixed-skip"? (line 13)
  train.steps: expected a whole number, got the text "many" (line 2)
  train.dropout: expected a number, got true (line 3)
  train.dtype: expected "fp32", "bf16" or "auto", got the text "fp16" (line 4)
  train.lanes: expected a whole number, got the number 4.5 (line 5)
  model.recurrent_layers: expected a list of whole numbers, got the list [ 1, "2" ] (line 10)
  model.feedback: expected true or false, got the number 1 (line 11)
  data.path: expected a text in quotes, got the number 3 (line 15)
  evaluation.every: expected a whole number, got the date or time 1979-05-27 (line 17)
  model.segment: must be a multiple of window, but 512 does not divide 1000
  train.seed: must be at least 0, got -1
  --set train.keep_last=0: must be at least 1, got 0)");
}

TEST(RunConfig, AProblemThatFollowsFromAnUnreadableValueIsNotReported) {
  EXPECT_EQ(message_of("[model]\nwindow = \"wide\"\nsegment = 1000\n"),
            "run.toml: model.window: expected a whole number, got the text \"wide\" (line 2)");
}

TEST(RunConfig, ProblemsOfOverridesNameTheOverride) {
  EXPECT_EQ(message_of("", {"train.stepps=3"}),
            "run.toml: --set train.stepps=3: unknown key \"stepps\"; did you mean \"steps\"?");
  EXPECT_EQ(message_of("", {"train.steps=x"}),
            "run.toml: --set train.steps=x: expected a whole number, got the text \"x\"");
  EXPECT_EQ(message_of("", {"train.steps=0"}),
            "run.toml: --set train.steps=0: must be at least 1, got 0");
  EXPECT_EQ(message_of("", {"model.size=smal"}),
            "run.toml: --set model.size=smal: unknown size \"smal\"; did you mean \"small\"?");
  EXPECT_EQ(message_of("", {"trian.steps=1"}),
            "run.toml: --set trian.steps=1: unknown section \"trian\"; did you mean \"train\"?");
  EXPECT_EQ(message_of("", {"steps=1"}),
            "run.toml: --set steps=1: expected section.key=value; did you mean \"train.steps\"?");
  EXPECT_EQ(message_of("", {"q=1"}), "run.toml: --set q=1: expected section.key=value");
  EXPECT_EQ(message_of("", {"train.steps"}),
            "run.toml: --set train.steps: expected section.key=value");
  EXPECT_EQ(message_of("", {"model.recurrent_layers=[1"}),
            "run.toml: --set model.recurrent_layers=[1: the value is not valid TOML");
}

TEST(RunConfig, AnOverrideCannotSmuggleInASecondSetting) {
  EXPECT_TRUE(contains(message_of("", {"train.steps=3\nvalue2 = 4"}), "expected a whole number"));
}

TEST(RunConfig, NamesLineAndColumnOfTextThatIsNoToml) {
  EXPECT_TRUE(starts_with(message_of("[train]\nsteps = = 3\n"), "run.toml:2:9: not valid TOML: "));
}

TEST(RunConfig, KeysOutsideOfSectionsAreProblems) {
  EXPECT_TRUE(
      starts_with(message_of("steps = 3\n"), "run.toml: steps: stands outside of a section"));
  EXPECT_TRUE(starts_with(message_of("train = 3\n"),
                          "run.toml: train: must be a section, [train], got the number 3"));
}

struct BadRun {
  const char* override_text;
  const char* problem;
};

void PrintTo(const BadRun& bad, std::ostream* stream) { *stream << bad.override_text; }

class RunConfigProblem : public testing::TestWithParam<BadRun> {};

TEST_P(RunConfigProblem, IsReportedAlone) {
  EXPECT_EQ(message_of("", {GetParam().override_text}),
            std::string("run.toml: --set ") + GetParam().override_text + ": " + GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    RunConfigProblem,
    testing::Values(
        BadRun{"train.lanes=0", "must be between 1 and 1048576, got 0"},
        BadRun{"train.accumulation=3", "must divide lanes, but 3 does not divide 8"},
        BadRun{"train.accumulation=0", "must be at least 1, got 0"},
        BadRun{"train.threads=-1", "must be between 0 and 4096, got -1"},
        BadRun{"train.dropout=1.0", "must be at least 0 and less than 1, got 1"},
        BadRun{"train.dropout=nan", "must be at least 0 and less than 1, got nan"},
        BadRun{"train.log_every=0", "must be at least 1, got 0"},
        BadRun{"train.checkpoint_every=-1", "must be at least 0, got -1"},
        BadRun{"train.keep_last=0", "must be at least 1, got 0"},
        BadRun{"train.keep_every=-1", "must be at least 0, got -1"},
        BadRun{"data.train_split=", "must name a split, got an empty text"},
        BadRun{"optimizer.rate=-0.5", "must be 0 or more, got -0.5"},
        BadRun{"optimizer.rate=inf", "must be 0 or more, got inf"},
        BadRun{"optimizer.warmup=-1", "must be at least 0, got -1"},
        BadRun{"optimizer.warmup=0",
               "must be at least 1 with schedule rsqrt, whose rate at step 0 is infinite"},
        BadRun{"optimizer.final_fraction=1.5", "must be between 0 and 1, got 1.5"},
        BadRun{"optimizer.clip_norm=-1", "must be 0 or more, got -1"},
        BadRun{"optimizer.beta1=1.0", "must be at least 0 and less than 1, got 1"},
        BadRun{"optimizer.beta2=-0.1", "must be at least 0 and less than 1, got -0.1"},
        BadRun{"optimizer.epsilon=0", "must be more than 0, got 0"},
        BadRun{"optimizer.weight_decay=-1", "must be 0 or more, got -1"},
        BadRun{"evaluation.every=-1", "must be at least 0, got -1"},
        BadRun{"evaluation.max_tokens=-1", "must be at least 0, got -1"},
        BadRun{"evaluation.lanes=0", "must be between 1 and 1048576, got 0"},
        BadRun{"model.vocab_size=-1", "must be between 1 and 1073741824, got -1"},
        BadRun{"model.gate=gru", "expected \"fixed\" or \"lstm\", got the text \"gru\""},
        BadRun{"model.cell=triple",
               "expected \"dual\", \"single\" or \"skip\", got the text \"triple\""}));

RunConfig unusual_run() {
  RunConfig config = parse("[model]\npreset = \"feedback-lstm-dual\"\nsize = \"tiny\"");
  config.model.recurrent_layers = {0, 1};
  config.model.position = PositionType::kRotary;
  config.model.mask_empty_cache = true;
  config.data.path =
      "quote \" backslash \\ tab \t newline \n delete \x7f umlaut \xc3\xbc # no comment";
  config.data.validation_split = "";
  config.train.seed = std::numeric_limits<int64_t>::max();
  config.train.dtype = DType::kBf16;
  config.train.dropout = 0.1 + 0.2;
  config.optimizer.rate = 1.0 / 3.0;
  config.optimizer.epsilon = std::numeric_limits<double>::denorm_min();
  config.optimizer.clip_norm = std::numeric_limits<double>::max();
  config.optimizer.schedule = ScheduleType::kReferenceCosine;
  config.optimizer.type = OptimizerType::kAdamw;
  return config;
}

TEST(RunConfigToml, ReadsBackAsTheSameConfig) {
  EXPECT_EQ(parse(run_config_to_toml(unusual_run())), unusual_run());
  EXPECT_EQ(parse(run_config_to_toml(RunConfig())), RunConfig());
}

TEST(RunConfigToml, WritesEverySettingWithItsHelp) {
  const std::string text = run_config_to_toml(RunConfig());
  EXPECT_TRUE(starts_with(text, "[model]\nvocab_size = 0 "));
  EXPECT_TRUE(contains(text, "\n[train]\nsteps = 1000                      # optimizer updates\n"));
  EXPECT_TRUE(contains(text, "\nrate = 1.0 "));
  EXPECT_TRUE(contains(text, "\nepsilon = 1e-08 "));
  EXPECT_TRUE(contains(text, "\nrecurrent_layers = [] "));
  EXPECT_FALSE(contains(text, "preset"));
}

TEST(RunConfigDifferences, NamesTheFieldsThatDifferWithBothValues) {
  RunConfig left;
  RunConfig right;
  EXPECT_TRUE(config_differences(left, right).empty());
  right.train.lanes = 3;
  right.optimizer.rate = 0.5;
  const std::vector<FieldDifference> differences = config_differences(left, right);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].name, "train.lanes");
  EXPECT_EQ(differences[0].left, "8");
  EXPECT_EQ(differences[0].right, "3");
  EXPECT_EQ(differences[1].name, "optimizer.rate");
}

TEST(RunConfigHelp, HasOneLineForEveryKey) {
  const std::string help = run_config_help();
  int64_t keys = 3;  // head line, model.preset, model.size
  const RunConfig defaults;
  RunConfig::for_each_section(defaults, [&](const std::string& name, const auto& section) {
    section.for_each_field(section, [&](const std::string& key, const auto&, const char* meaning) {
      EXPECT_TRUE(contains(help, "\n" + name + "." + key + " "));
      EXPECT_TRUE(contains(help, meaning));
      ++keys;
    });
  });
  EXPECT_EQ(std::ranges::count(help, '\n'), keys);
  EXPECT_TRUE(contains(help, "\nmodel.preset "));
}

TEST(Recipes, AllLoadAndAreWholeRuns) {
  int64_t recipes = 0;
  for (const std::filesystem::directory_entry& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(BRT_SOURCE_DIR) /
                                                     "recipes")) {
    if (entry.path().extension() != ".toml") {
      continue;
    }
    ++recipes;
    RunConfig config;
    ASSERT_NO_THROW(config = load_run_config(entry.path(), {})) << entry.path();
    EXPECT_FALSE(config.data.path.empty()) << entry.path();
    EXPECT_FALSE(std::filesystem::path(config.data.path).is_absolute()) << entry.path();
    EXPECT_EQ(parse(run_config_to_toml(config)), config) << entry.path();
    EXPECT_TRUE(starts_with(read_file(entry.path()), "# ")) << entry.path();
  }
  EXPECT_GE(recipes, 3);
}

TEST(Recipes, EveryPresetHasOneThatTrainsAsThePaperDoes) {
  for (const std::string& preset : preset_names()) {
    const RunConfig config = load_run_config(
        std::filesystem::path(BRT_SOURCE_DIR) / "recipes/presets" / (preset + ".toml"), {});
    EXPECT_EQ(config.model, make_preset(preset, "150m")) << preset;
    EXPECT_EQ(config.train.steps, 500000) << preset;
    EXPECT_EQ(config.train.lanes * config.model.segment, 32 * 4096) << preset;
    EXPECT_EQ(config.train.dropout, 0.05) << preset;
    EXPECT_EQ(config.optimizer.type, OptimizerType::kAdafactor) << preset;
    EXPECT_EQ(config.optimizer.schedule, ScheduleType::kRsqrt) << preset;
    EXPECT_EQ(config.optimizer.warmup, 1000) << preset;
  }
}

TEST(Recipes, AMissingFileIsNamedWithTheSystemsReason) {
  try {
    load_run_config("no/such/recipe.toml", {});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_TRUE(contains(error.what(), "no/such/recipe.toml: cannot be opened: No such file"));
  }
}

}  // namespace
}  // namespace brt
