// SPDX-License-Identifier: Apache-2.0
// Names of settings, ours and those of other trainers.
#include "config/setting_names.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "config/config_problems.h"
#include "config/run_config.h"

namespace brt {
namespace {

/// Words for one setting in PyTorch scripts, nanoGPT, Transformers, fairseq, Megatron-LM and the
/// like, as plain_name() writes them, with spaces around each.
struct Synonyms {
  std::string_view setting;
  std::string_view words;
};

constexpr std::array<Synonyms, 30> kSynonyms = {{
    {"train.lanes",
     " batchsize batch bs microbatchsize globalbatchsize perdevicetrainbatchsize devicebatchsize "
     "trainbatchsize minibatchsize "},
    {"train.accumulation",
     " gradaccum gradientaccumulation gradientaccumulationsteps "
     "gradaccumsteps accumulationsteps updatefreq "},
    {"train.steps",
     " epochs epoch numepochs numtrainepochs maxepochs maxsteps maxiters maxiter "
     "iterations iters numiterations niters numsteps trainsteps totalsteps "},
    {"train.seed", " randomseed rngseed "},
    {"train.threads", " numthreads nthreads numworkers workers "},
    {"train.dtype", " precision mixedprecision fp16 bf16 amp "},
    {"train.dropout", " dropoutrate pdrop attnpdrop residpdrop hiddendropoutprob "},
    {"train.recompute", " gradientcheckpointing activationcheckpointing checkpointactivations "},
    {"train.log_every", " loginterval loggingsteps logfreq logsteps "},
    {"train.checkpoint_every",
     " saveevery savesteps saveinterval ckptinterval ckptevery checkpointinterval savefreq "},
    {"train.keep_last", " savetotallimit keeplastcheckpoints "},
    {"optimizer.rate", " lr learningrate baselr maxlr peaklr "},
    {"optimizer.final_fraction", " minlr lrmin endlr "},
    {"optimizer.schedule", " lrscheduler lrschedule lrschedulertype scheduler decaylr lrdecay "},
    {"optimizer.warmup", " warmupsteps warmupiters numwarmupsteps warmupupdates warmupratio "},
    {"optimizer.clip_norm",
     " gradclip clip maxgradnorm clipgradnorm gradientclipping clipgrad "
     "gradientclip gradnormclip "},
    {"optimizer.weight_decay", " wd l2 "},
    {"optimizer.type", " optim optimizer optimizername "},
    {"optimizer.epsilon", " eps adamepsilon adameps "},
    {"optimizer.beta1", " adambeta1 b1 "},
    {"optimizer.beta2", " adambeta2 b2 "},
    {"evaluation.every",
     " evalinterval evalevery evalsteps evalfreq valinterval validateinterval "},
    {"evaluation.max_tokens", " evaliters maxevalsteps evalbatches "},
    {"data.path", " dataset datadir datapath dataroot "},
    {"model.num_layers", " nlayer nlayers layers numhiddenlayers depth numblocks "},
    {"model.num_heads", " nhead nheads heads numattentionheads "},
    {"model.head_size", " dhead headdim dimhead headwidth "},
    {"model.width",
     " dmodel dim hiddensize hiddendim nembd embeddim embeddingdim embeddingsize "
     "modeldim modelsize "},
    {"model.ffn_width", " dff dinner intermediatesize ffndim ffnsize mlpdim feedforwardsize "},
    {"model.vocab_size", " vocab nvocab vocabulary vocabularysize "},
}};

/// How far a token sees and how much a step reads are two settings here, one elsewhere.
constexpr std::string_view kLengths =
    " contextlength contextsize contextwindow ctx nctx blocksize seqlen seqlength sequencelength "
    "maxseqlen maxsequencelength maxlength nposition npositions maxpositionembeddings bptt "
    "tgtlen memlen attentionwindow windowsize ";

std::string plain_name(std::string_view key) {
  std::string plain;
  for (const char character : key) {
    if (character != '_' && character != '-') {
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
    }
  }
  return plain;
}

}  // namespace

const std::vector<std::string>& known_sections() {
  static const std::vector<std::string> sections = [] {
    std::vector<std::string> names;
    const RunConfig defaults;
    RunConfig::for_each_section(
        defaults, [&names](const char* name, const auto&) { names.emplace_back(name); });
    return names;
  }();
  return sections;
}

const std::map<std::string, std::vector<std::string>>& known_keys() {
  static const std::map<std::string, std::vector<std::string>> all = [] {
    std::map<std::string, std::vector<std::string>> keys;
    const RunConfig defaults;
    RunConfig::for_each_section(defaults, [&keys](const std::string& name, const auto& section) {
      section.for_each_field(section, [&](const char* key, const auto&, const char*) {
        keys[name].emplace_back(key);
      });
    });
    keys["model"].emplace_back("preset");
    keys["model"].emplace_back("size");
    return keys;
  }();
  return all;
}

std::vector<std::string> settings_meant_by(std::string_view key) {
  const std::string plain = plain_name(key);
  const std::string word = " " + plain + " ";
  std::vector<std::string> meant;
  for (const std::string& section : known_sections()) {
    for (const std::string& known : known_keys().at(section)) {
      if (plain_name(known) == plain) {
        meant.push_back(fmt::format("{}.{}", section, known));
      }
    }
  }
  if (plain.empty() || !meant.empty()) {
    return meant;
  }
  for (const Synonyms& synonyms : kSynonyms) {
    if (synonyms.words.find(word) != std::string_view::npos) {
      return {std::string(synonyms.setting)};
    }
  }
  if (kLengths.find(word) != std::string_view::npos) {
    return {"model.segment", "model.window"};
  }
  return {};
}

std::string unknown_key_text(const std::string& section, const std::string& key) {
  const std::vector<std::string> meant = settings_meant_by(key);
  return meant.empty()
             ? unknown_name_text("key", key, known_keys().at(section))
             : fmt::format("unknown key \"{}\"; did you mean {}?", key, alternatives_text(meant));
}

}  // namespace brt
