// SPDX-License-Identifier: Apache-2.0
// On what terms models were trained and tested, and whether these are the same: only then do their
// figures compare the models.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "report/run_record.h"

namespace brt {

/// The settings in which runs differ from the first: by name, one value a run.
std::map<std::string, std::vector<std::string>> differing_settings(
    const std::vector<RunRecord>& runs);

/// Whether two runs read as many tokens (to 1 %) of the same data in as many steps of the same
/// batch, with the same optimizer, dropout and precision, and were tested on the same text. Seeds
/// do not count.
bool are_on_equal_terms(const RunRecord& left, const RunRecord& right);

/// "These runs differ in more than their models: ...", naming each term and its values; empty if
/// they are equal, seeds included.
std::string differences_sentence(const std::vector<RunRecord>& runs);

/// The terms that all runs share, for runs that differ in no more than their seeds; else empty.
std::string equal_terms_sentence(const std::vector<RunRecord>& runs);

}  // namespace brt
