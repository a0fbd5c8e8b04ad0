// SPDX-License-Identifier: Apache-2.0
// Names and shapes of all parameters against the table of checkpoint names, for every kind of
// model.
#include <vector>

#include <gtest/gtest.h>

#include "model/model_fixtures.h"
#include "support/parameter_shapes.h"

namespace brt {
namespace {

ParameterShapes shapes_of(const LanguageModel& model) {
  ParameterShapes shapes;
  for (const auto& parameter : model->named_parameters()) {
    shapes[parameter.key()] = parameter.value().sizes().vec();
  }
  return shapes;
}

/// Every preset with every kind of position and attention.
std::vector<NamedConfig> combinations() {
  std::vector<NamedConfig> configs;
  for (NamedConfig named : preset_configs()) {
    for (const PositionType position :
         {PositionType::kT5, PositionType::kNone, PositionType::kRotary}) {
      for (const bool unit_attention : {true, false}) {
        named.config.num_buckets = 32;
        named.config.max_distance = 128;
        named.config.position = position;
        named.config.unit_attention = unit_attention;
        configs.push_back(named);
      }
    }
  }
  return configs;
}

TEST(ParameterNames, AreThoseOfCheckpointsForEveryKindOfModel) {
  for (const NamedConfig& named : combinations()) {
    EXPECT_EQ(shapes_of(LanguageModel(named.config)), parameter_shapes(named.config)) << named.name;
  }
}

TEST(ParameterNames, CountEqualsTheConfigsCount) {
  for (const NamedConfig& named : combinations()) {
    int64_t count = 0;
    for (const at::Tensor& parameter : LanguageModel(named.config)->parameters()) {
      count += parameter.numel();
    }
    EXPECT_EQ(count, count_parameters(named.config)) << named.name;
  }
}

TEST(ParameterNames, EveryParameterIsFloat32AndTrained) {
  for (const auto& parameter :
       LanguageModel(tiny_config("feedback-lstm-dual"))->named_parameters()) {
    EXPECT_EQ(parameter.value().scalar_type(), at::kFloat) << parameter.key();
    EXPECT_TRUE(parameter.value().requires_grad()) << parameter.key();
  }
}

}  // namespace
}  // namespace brt
