// The golden checkpoints of tests/data and what they must compute.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/model/reference.h"

#include "support/matchers.h"

namespace wakebuilder::test {

inline std::filesystem::path data(const std::string& name) {
  return std::filesystem::path(WAKEBUILDER_TEST_DATA) / name;
}

/// A checkpoint and the activations that PyTorch computed with it
/// (tests/data/checkpoints/README.md).
struct GoldenCase {
  std::filesystem::path checkpoint;
  std::filesystem::path expected;
};

inline std::vector<GoldenCase> golden_cases() {
  constexpr std::string_view kEnding = ".expected.safetensors";
  std::vector<GoldenCase> cases;
  for (const char* folder : {"combos", "encodings", "layouts"}) {
    for (const auto& entry : std::filesystem::directory_iterator(data("checkpoints") / folder)) {
      std::string name = entry.path().string();
      if (!name.ends_with(kEnding)) continue;
      name.resize(name.size() - kEnding.size());
      cases.push_back({.checkpoint = name + ".pt", .expected = entry.path()});
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(data("hostile"))) {
    const bool harmless = entry.path().filename().string().starts_with("accept-");
    if (harmless)
      cases.push_back(
          {.checkpoint = entry.path(), .expected = data("hostile/accept.expected.safetensors")});
  }
  std::sort(cases.begin(), cases.end(),
            [](const auto& a, const auto& b) { return a.checkpoint < b.checkpoint; });
  return cases;
}

/// A tensor of a safetensors file; throws when it is not there.
inline core::Tensor stored(const std::filesystem::path& file, const std::string& name) {
  const auto read = checkpoint::read(file);
  if (!read) throw std::runtime_error(read.error().message);
  const core::Value* value = read->root.find(name);
  if (value == nullptr) throw std::runtime_error(file.string() + " has no " + name);
  return *value->get_if<core::Tensor>();
}

/// Largest |found - wanted| / max(1, |wanted|).
template <class Found>
double scaled_difference(const Found& found, const std::vector<double>& wanted) {
  double worst = found.size() == wanted.size() ? 0 : 1e9;
  for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), wanted.size()); ++i) {
    const double difference = std::abs(static_cast<double>(found[i]) - wanted[i]);
    worst = std::max(
        worst, std::isnan(difference) ? 1e9 : difference / std::max(1.0, std::abs(wanted[i])));
  }
  return worst;
}

}  // namespace wakebuilder::test
