#include "wakebuilder/core/finding.h"

#include <gtest/gtest.h>

namespace wakebuilder::core {
namespace {

TEST(Finding, SeveritiesHaveNames) {
  EXPECT_EQ(to_string(Severity::kInfo), "info");
  EXPECT_EQ(to_string(Severity::kWarning), "warning");
  EXPECT_EQ(to_string(Severity::kError), "error");
}

TEST(Finding, OnlyErrorsFailACheck) {
  EXPECT_TRUE(passes({}));
  EXPECT_TRUE(passes({{Severity::kInfo, "node", "a"}, {Severity::kWarning, "node", "b"}}));
  EXPECT_FALSE(passes({{Severity::kInfo, "node", "a"}, {Severity::kError, "node", "b"}}));
  EXPECT_FALSE(passes({{Severity::kError, "", ""}, {Severity::kInfo, "", ""}}));
}

TEST(Finding, IsEqualInAllItsParts) {
  const Finding finding{Severity::kError, "fc", "expected [8, 12]"};
  EXPECT_EQ(finding, (Finding{Severity::kError, "fc", "expected [8, 12]"}));
  EXPECT_NE(finding, (Finding{Severity::kWarning, "fc", "expected [8, 12]"}));
  EXPECT_NE(finding, (Finding{Severity::kError, "fd", "expected [8, 12]"}));
  EXPECT_NE(finding, (Finding{Severity::kError, "fc", "expected [8, 13]"}));
}

}  // namespace
}  // namespace wakebuilder::core
