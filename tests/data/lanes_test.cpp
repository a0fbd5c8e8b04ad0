// SPDX-License-Identifier: Apache-2.0
// Lanes read every document once an epoch, in order, and can stop and go on anywhere.
#include "data/lanes.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/seeded_random.h"
#include "data/data_fixtures.h"

namespace brt {
namespace {

using testing::message_of;
using testing::TemporaryFolder;

/// A split whose documents have these lengths; token i of document d is 100 * d + i, modulo 1000.
class Split {
 public:
  explicit Split(const std::vector<int64_t>& lengths) {
    std::vector<std::vector<int32_t>> documents;
    for (size_t d = 0; d < lengths.size(); ++d) {
      std::vector<int32_t> tokens;
      for (int64_t i = 0; i < lengths[d]; ++i) {
        tokens.push_back(token(static_cast<int64_t>(d), i));
      }
      documents.push_back(tokens);
    }
    testing::write_dataset(folder_.path(), documents, 1000);
    split_ = std::make_unique<PreparedSplit>(PreparedData(folder_.path()).open_split("train"));
  }
  const PreparedSplit& operator*() const { return *split_; }

  static int32_t token(int64_t document, int64_t place) {
    return static_cast<int32_t>((100 * document + place) % 1000);
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<PreparedSplit> split_;
};

/// How often each target was read: by document and place.
using Targets = std::map<std::pair<int64_t, int64_t>, int>;

Targets all_targets(const std::vector<int64_t>& lengths) {
  Targets targets;
  for (size_t d = 0; d < lengths.size(); ++d) {
    for (int64_t i = 1; i < lengths[d]; ++i) {
      targets[{static_cast<int64_t>(d), i}] = 1;
    }
  }
  return targets;
}

const std::vector<int64_t> kLengths = {10, 1, 2, 17, 5, 4, 9, 8, 33, 3};

bool same(const Segment& a, const Segment& b) {
  return a.tokens == b.tokens && a.targets == b.targets && a.loss_mask == b.loss_mask &&
         a.starts == b.starts && a.documents == b.documents && a.offsets == b.offsets &&
         a.num_targets == b.num_targets;
}

enum class Documents { kWhole, kCut };

/// Checks a segment against the documents and counts its targets.
void check_segment(const Segment& segment, Targets& seen, Documents documents = Documents::kWhole) {
  int64_t targets = 0;
  for (int64_t b = 0; b < segment.lanes; ++b) {
    const int64_t document = segment.documents[static_cast<size_t>(b)];
    const int64_t offset = segment.offsets[static_cast<size_t>(b)];
    if (documents == Documents::kWhole || document < 0 || offset == 0) {
      EXPECT_EQ(segment.starts[static_cast<size_t>(b)] == 1, document < 0 || offset == 0);
    }
    for (int64_t n = 0; n < segment.length; ++n) {
      const size_t cell = static_cast<size_t>(b * segment.length + n);
      if (segment.loss_mask[cell] == 0) {
        EXPECT_EQ(segment.tokens[cell], 0);
        EXPECT_EQ(segment.targets[cell], 0);
        continue;
      }
      EXPECT_EQ(segment.loss_mask[cell], 1.0F);
      EXPECT_EQ(segment.tokens[cell], Split::token(document, offset + n));
      EXPECT_EQ(segment.targets[cell], Split::token(document, offset + n + 1));
      ++seen[{document, offset + n + 1}];
      ++targets;
    }
  }
  EXPECT_EQ(segment.num_targets, targets);
  EXPECT_GT(targets, 0);
}

class LanesOfNumber : public ::testing::TestWithParam<std::tuple<int64_t, int64_t, bool>> {};
INSTANTIATE_TEST_SUITE_P(Shapes,
                         LanesOfNumber,
                         ::testing::Combine(::testing::Values(1, 2, 3, 7, 20),
                                            ::testing::Values(1, 4, 8, 64),
                                            ::testing::Bool()));

TEST_P(LanesOfNumber, EveryTargetAppearsOnceInAnEpoch) {
  const Split split(kLengths);
  Lanes lanes(*split, {.lanes = std::get<0>(GetParam()),
                       .segment = std::get<1>(GetParam()),
                       .seed = 3,
                       .shuffle = std::get<2>(GetParam())});
  Targets seen;
  Segment segment;
  while (lanes.next(segment)) {
    check_segment(segment, seen);
  }
  EXPECT_EQ(seen, all_targets(kLengths));
  EXPECT_FALSE(lanes.next(segment));
}

TEST_P(LanesOfNumber, RestoredLanesGoOnExactly) {
  const Split split(kLengths);
  const LaneOptions options = {.lanes = std::get<0>(GetParam()),
                               .segment = std::get<1>(GetParam()),
                               .seed = 11,
                               .shuffle = std::get<2>(GetParam()),
                               .repeat = true};
  SeededRandom random(5);
  for (int trial = 0; trial < 5; ++trial) {
    Lanes straight(*split, options);
    Segment expected;
    const uint64_t stop = random.below(60);
    for (uint64_t step = 0; step < stop; ++step) {
      ASSERT_TRUE(straight.next(expected));
    }
    Lanes restored(*split, options);
    restored.restore(straight.save());
    EXPECT_EQ(restored.save(), straight.save());
    for (int step = 0; step < 40; ++step) {
      Segment got;
      ASSERT_TRUE(straight.next(expected));
      ASSERT_TRUE(restored.next(got));
      ASSERT_TRUE(same(got, expected)) << "stopped at " << stop << ", step " << step;
      ASSERT_EQ(restored.epoch(), straight.epoch());
    }
  }
}

TEST(Lanes, TakeDocumentsInOrderLowestLaneFirst) {
  const Split split({9, 5, 5, 3, 3});
  Lanes lanes(*split, {.lanes = 2, .segment = 4});
  Segment segment;
  std::vector<std::vector<int64_t>> documents;
  std::vector<std::vector<int64_t>> offsets;
  while (lanes.next(segment)) {
    documents.push_back(segment.documents);
    offsets.push_back(segment.offsets);
  }
  // Documents of 9 and 5 tokens have 8 and 4 inputs: two segments and one.
  EXPECT_EQ(documents, (std::vector<std::vector<int64_t>>{{0, 1}, {0, 2}, {3, 4}}));
  EXPECT_EQ(offsets, (std::vector<std::vector<int64_t>>{{0, 0}, {4, 0}, {0, 0}}));
}

TEST(Lanes, OrderAndPlacesOfRunsUnderWayStayAsTheyAre) {
  const Split split(kLengths);
  Lanes lanes(*split, {.lanes = 3, .segment = 4, .seed = 7, .shuffle = true, .repeat = true});
  EXPECT_EQ(lanes.division(), "");
  Segment segment;
  std::vector<std::vector<int64_t>> documents;
  for (int step = 0; step < 16; ++step) {
    ASSERT_TRUE(lanes.next(segment));
    documents.push_back(segment.documents);
  }
  // As the first version read them: checkpoints of then must go on with the same segments.
  EXPECT_EQ(documents, (std::vector<std::vector<int64_t>>{{5, 7, 2},
                                                          {4, 7, 6},
                                                          {3, 9, 6},
                                                          {3, 0, 8},
                                                          {3, 0, 8},
                                                          {3, 0, 8},
                                                          {3, 4, 8},
                                                          {3, 2, 8},
                                                          {3, 6, 8},
                                                          {3, 6, 8},
                                                          {8, 7, 8},
                                                          {8, 7, 0},
                                                          {8, 5, 0},
                                                          {8, 9, 0},
                                                          {8, 7, 3},
                                                          {8, 7, 3}}));
  const std::string saved = lanes.save();
  EXPECT_EQ(saved.substr(saved.find("\"lanes\"")),
            R"("lanes":3,"segment":4,"seed":7,"shuffle":true,"repeat":true,)"
            R"("max_document_tokens":0,"epoch":2,"next_in_order":2,"places":[)"
            R"({"document":8,"offset":24},{"document":-1,"offset":0},{"document":3,"offset":8}]})");
}

TEST(Lanes, IdleLaneIsAllPaddingAndStarts) {
  const Split split({9, 3});
  Lanes lanes(*split, {.lanes = 3, .segment = 4});
  Segment segment;
  ASSERT_TRUE(lanes.next(segment));
  ASSERT_TRUE(lanes.next(segment));
  EXPECT_EQ(segment.documents, (std::vector<int64_t>{0, -1, -1}));
  EXPECT_EQ(segment.starts, (std::vector<uint8_t>{0, 1, 1}));
  EXPECT_EQ(segment.num_targets, 4);
  const Segment before = segment;
  EXPECT_FALSE(lanes.next(segment));
  EXPECT_TRUE(same(segment, before));
}

TEST(Lanes, DocumentsOfOneTokenArePassedOver) {
  const Split split({1, 4, 1});
  Lanes lanes(*split, {.lanes = 1, .segment = 8, .repeat = true});
  Segment segment;
  for (int epoch = 0; epoch < 3; ++epoch) {
    ASSERT_TRUE(lanes.next(segment));
    EXPECT_EQ(segment.documents[0], 1);
    EXPECT_EQ(lanes.epoch(), epoch);
  }
  const Split hopeless({1, 1});
  EXPECT_THROW(Lanes(*hopeless, {.lanes = 1, .segment = 8}), DataError);
}

TEST(Lanes, MaxDocumentTokensCutsEachDocument) {
  const Split split(kLengths);
  Lanes lanes(*split, {.lanes = 2, .segment = 4, .max_document_tokens = 6});
  Targets seen;
  Segment segment;
  while (lanes.next(segment)) {
    check_segment(segment, seen);
  }
  size_t expected = 0;
  for (const int64_t length : kLengths) {
    expected += static_cast<size_t>(std::min<int64_t>(length, 6) - 1);
  }
  EXPECT_EQ(seen.size(), expected);
  for (const std::pair<const std::pair<int64_t, int64_t>, int>& target : seen) {
    EXPECT_LT(target.first.second, 6);
    EXPECT_EQ(target.second, 1);
  }
}

TEST(Lanes, EachEpochHasItsOwnOrderThatSeedDecides) {
  const Split split(std::vector<int64_t>(20, 3));
  const auto orders = [&](uint64_t seed) {
    Lanes lanes(*split, {.lanes = 1, .segment = 2, .seed = seed, .shuffle = true, .repeat = true});
    std::vector<std::vector<int64_t>> epochs(3);
    Segment segment;
    for (int step = 0; step < 60; ++step) {
      lanes.next(segment);
      epochs[static_cast<size_t>(lanes.epoch())].push_back(segment.documents[0]);
    }
    return epochs;
  };
  const std::vector<std::vector<int64_t>> first = orders(1);
  EXPECT_NE(first[0], first[1]);
  EXPECT_NE(first[1], first[2]);
  for (const std::vector<int64_t>& epoch : first) {
    EXPECT_EQ(std::set<int64_t>(epoch.begin(), epoch.end()).size(), 20u);
  }
  EXPECT_EQ(orders(1), first);
  EXPECT_NE(orders(2), first);
}

/// Lengths of documents, lanes, tokens of a segment.
class FewDocuments
    : public ::testing::TestWithParam<std::tuple<std::vector<int64_t>, int64_t, int64_t>> {};
INSTANTIATE_TEST_SUITE_P(Shapes,
                         FewDocuments,
                         ::testing::Combine(::testing::Values(std::vector<int64_t>{100},
                                                              std::vector<int64_t>{2},
                                                              std::vector<int64_t>{64, 1, 3},
                                                              std::vector<int64_t>{5, 90, 33, 2},
                                                              std::vector<int64_t>{41, 41, 41, 41,
                                                                                   41},
                                                              kLengths),
                                            ::testing::Values(1, 2, 3, 4, 6, 8, 31),
                                            ::testing::Values(1, 4, 7, 16, 128)));

/// How often each target has been read, by epoch: a piece is read for the n-th time in epoch n.
class EpochCounter {
 public:
  explicit EpochCounter(int64_t lanes) : epoch_of_lane_(static_cast<size_t>(lanes)) {}

  void add(const Segment& segment) {
    for (size_t b = 0; b < epoch_of_lane_.size(); ++b) {
      if (segment.documents[b] < 0) {
        continue;
      }
      const std::pair<int64_t, int64_t> place(segment.documents[b], segment.offsets[b]);
      if (segment.starts[b] == 1) {
        epoch_of_lane_[b] = starts_[place]++;
      }
      Targets& read = epochs_[epoch_of_lane_[b]];
      const size_t row = b * static_cast<size_t>(segment.length);
      for (int64_t n = 0; n < segment.length; ++n) {
        if (segment.loss_mask[row + static_cast<size_t>(n)] != 0) {
          ++read[{place.first, place.second + n + 1}];
        }
      }
    }
  }
  Targets& epoch(int64_t index) { return epochs_[index]; }

 private:
  std::map<std::pair<int64_t, int64_t>, int64_t> starts_;
  std::vector<int64_t> epoch_of_lane_;
  std::map<int64_t, Targets> epochs_;
};

TEST_P(FewDocuments, EveryTokenIsReadOnceAnEpoch) {
  const auto& [lengths, num_lanes, segment_tokens] = GetParam();
  const Split split(lengths);
  for (const bool shuffle : {false, true}) {
    Lanes lanes(*split, {.lanes = num_lanes,
                         .segment = segment_tokens,
                         .seed = 3,
                         .shuffle = shuffle,
                         .repeat = true});
    EpochCounter counter(num_lanes);
    Segment segment;
    for (int last_steps = 0; last_steps < 100; last_steps += lanes.epoch() < 3 ? 0 : 1) {
      ASSERT_TRUE(lanes.next(segment));
      Targets seen;
      check_segment(segment, seen, Documents::kCut);
      counter.add(segment);
    }
    EXPECT_EQ(counter.epoch(0), all_targets(lengths));
    EXPECT_EQ(counter.epoch(1), all_targets(lengths));
  }
}

TEST(Lanes, OneDocumentIsCutIntoAPieceForEachLane) {
  const Split split({100});  // 99 inputs are 25 segments
  Lanes lanes(*split, {.lanes = 4, .segment = 4, .repeat = true});
  EXPECT_EQ(lanes.division(),
            "fewer documents (1) than lanes (4): they are read as 4 pieces, the carry begins anew "
            "at each");
  Segment segment;
  ASSERT_TRUE(lanes.next(segment));
  EXPECT_EQ(segment.documents, (std::vector<int64_t>{0, 0, 0, 0}));
  EXPECT_EQ(segment.offsets, (std::vector<int64_t>{0, 24, 48, 72}));
  EXPECT_EQ(segment.starts, (std::vector<uint8_t>{1, 1, 1, 1}));
  EXPECT_EQ(segment.num_targets, 16);
  ASSERT_TRUE(lanes.next(segment));
  EXPECT_EQ(segment.offsets, (std::vector<int64_t>{4, 28, 52, 76}));
  EXPECT_EQ(segment.starts, (std::vector<uint8_t>{0, 0, 0, 0}));
}

TEST(Lanes, TheLongestDocumentsAreCut) {
  const Split split({100, 9, 41});  // 25, 2 and 10 segments
  Lanes lanes(*split, {.lanes = 6, .segment = 4, .repeat = true});
  Segment segment;
  ASSERT_TRUE(lanes.next(segment));
  EXPECT_EQ(segment.documents, (std::vector<int64_t>{0, 0, 0, 1, 2, 2}));
  EXPECT_EQ(segment.offsets, (std::vector<int64_t>{0, 32, 64, 0, 0, 20}));
}

TEST(Lanes, MoreLanesThanSegmentsStayIdle) {
  const Split split({5, 5});
  Lanes lanes(*split, {.lanes = 5, .segment = 8, .repeat = true});
  EXPECT_EQ(lanes.division(),
            "fewer documents (2) than lanes (5): none is longer than a segment; 3 lanes are idle");
  Segment segment;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    ASSERT_TRUE(lanes.next(segment));
    EXPECT_EQ(segment.documents, (std::vector<int64_t>{0, 1, -1, -1, -1}));
    EXPECT_EQ(segment.num_targets, 8);
    EXPECT_EQ(lanes.epoch(), epoch);
  }
}

TEST(Lanes, AnEvaluationIsNotCut) {
  const Split split({100});
  Lanes lanes(*split, {.lanes = 4, .segment = 4});
  EXPECT_EQ(lanes.division(), "");
  Segment segment;
  ASSERT_TRUE(lanes.next(segment));
  EXPECT_EQ(segment.documents, (std::vector<int64_t>{0, -1, -1, -1}));
}

TEST(Lanes, PlacesSavedBeforeDocumentsWereCutBeginTheNextEpoch) {
  const Split split({100});
  const LaneOptions options = {.lanes = 2, .segment = 4, .repeat = true};
  nlohmann::json saved = nlohmann::json::parse(Lanes(*split, options).save());
  EXPECT_EQ(saved.at("pieces"), 2);
  saved.erase("pieces");  // as they were: both lanes in the same document
  saved["epoch"] = 1;
  saved["next_in_order"] = 1;
  saved["places"] = {{{"document", 0}, {"offset", 8}}, {{"document", 0}, {"offset", 8}}};
  Lanes lanes(*split, options);
  lanes.restore(saved.dump());
  EXPECT_EQ(lanes.epoch(), 2);
  Segment segment;
  ASSERT_TRUE(lanes.next(segment));
  EXPECT_EQ(segment.offsets, (std::vector<int64_t>{0, 48}));
  saved["pieces"] = 3;
  EXPECT_THROW(lanes.restore(saved.dump()), DataError);
}

TEST(Lanes, OptionsOutOfRangeAreRefused) {
  const Split split({5});
  EXPECT_THROW(Lanes(*split, {.lanes = 0, .segment = 8}), ConfigError);
  EXPECT_THROW(Lanes(*split, {.lanes = 1, .segment = 0}), ConfigError);
  EXPECT_THROW(Lanes(*split, {.lanes = 1, .segment = 8, .max_document_tokens = 1}), ConfigError);
}

TEST(Lanes, RestoreNamesWhatDoesNotFit) {
  const Split split(kLengths);
  const Split other({5, 6});
  const LaneOptions options = {.lanes = 2, .segment = 4, .seed = 1};
  const std::string saved = Lanes(*split, options).save();
  const auto restore = [&](const Split& data, LaneOptions changed, const std::string& text) {
    Lanes lanes(*data, changed);
    return message_of<DataError>([&] { lanes.restore(text); });
  };
  EXPECT_EQ(restore(split, options, saved), "(nothing was thrown)");
  EXPECT_NE(restore(other, options, saved).find("data was"), std::string::npos);
  LaneOptions changed = options;
  changed.lanes = 3;
  EXPECT_NE(restore(split, changed, saved).find("lanes was 2, now it is 3"), std::string::npos);
  changed = options;
  changed.seed = 2;
  EXPECT_NE(restore(split, changed, saved).find("seed was 1"), std::string::npos);
}

TEST(Lanes, DamagedPlacesAreRefusedAndChangeNothing) {
  const Split split(kLengths);
  Lanes lanes(*split, {.lanes = 2, .segment = 4});
  Segment segment;
  lanes.next(segment);
  const std::string saved = lanes.save();
  for (size_t size = 0; size < saved.size(); ++size) {
    EXPECT_THROW(lanes.restore(saved.substr(0, size)), DataError) << size;
  }
  const auto altered = [&](const std::string& from, const std::string& to) {
    std::string text = saved;
    const size_t place = text.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    text.replace(place, from.size(), to);
    return text;
  };
  EXPECT_THROW(lanes.restore(altered("\"offset\":4", "\"offset\":3")), DataError);
  EXPECT_THROW(lanes.restore(altered("\"offset\":4", "\"offset\":4000")), DataError);
  EXPECT_THROW(lanes.restore(altered("\"offset\":4", "\"offset\":-4")), DataError);
  EXPECT_THROW(lanes.restore(altered("\"document\":0", "\"document\":99")), DataError);
  EXPECT_THROW(lanes.restore(altered("\"document\":0", "\"document\":0.5")), DataError);
  EXPECT_THROW(lanes.restore(altered("\"next_in_order\":", "\"next_in_order\":9")), DataError);
  EXPECT_THROW(lanes.restore(altered("\"epoch\":0", "\"epoch\":1")), DataError);
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_THROW(lanes.restore(altered("\"epoch\":0", "\"epoch\":" + deep)), DataError);
  EXPECT_EQ(lanes.save(), saved);
}

}  // namespace
}  // namespace brt
