// Data that jobs learn from, and the weights that come out.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"

#include "train/run_job.h"

namespace wakebuilder::train {

/// Noise [n, length]; of every second row the label is 1, and a wave of its own is added.
inline Rows noisy_rows(std::int64_t count, const core::Shape& row, float strength, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0, 1);
  const std::size_t length = core::numel(row);
  std::vector<float> values(static_cast<std::size_t>(count) * length);
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(count));
  for (std::size_t n = 0; n < labels.size(); ++n) {
    labels[n] = n % 2 == 0 ? 1 : 0;
    for (std::size_t i = 0; i < length; ++i)
      values[n * length + i] =
          noise(random) + (labels[n] == 1 ? strength * std::sin(static_cast<float>(i)) : 0.0F);
  }
  core::Shape shape = {count};
  shape.insert(shape.end(), row.begin(), row.end());
  return {core::Tensor::from(std::move(values), shape),
          core::Tensor::from(std::move(labels), {count})};
}

inline void write_tensors(const std::filesystem::path& path, const core::Dict& tensors) {
  auto staged = core::StagedFile::create(path);
  ASSERT_TRUE(staged) << staged.error().message;
  ASSERT_TRUE(checkpoint::write_safetensors(*staged, core::Value(tensors)));
  ASSERT_TRUE(staged->publish());
}

inline model::NamedTensors read_weights(const std::filesystem::path& path) {
  const auto file = checkpoint::read(path);
  if (!file) ADD_FAILURE() << file.error().message;
  const auto state = file ? checkpoint::find_state_dict(*file) : fail(file.error());
  return state ? state->tensors : model::NamedTensors{};
}

/// What was said, and how it ended.
struct Said {
  std::vector<core::Value> validated{};
  std::vector<core::Value> progress{};
  std::optional<std::int64_t> stopped_at{};

  std::vector<double> of(const std::string& key) const {
    std::vector<double> numbers;
    for (const core::Value& line : validated) {
      const core::Value* found = line.find(key);
      numbers.push_back(found != nullptr ? found->number().value_or(-1) : -1);
    }
    return numbers;
  }
};

/// Runs a job; stops after so many steps, unless 0.
inline Result<Said> run_and_listen(const Job& job, int stop_after = 0) {
  Said said;
  int steps = 0;
  WAKEBUILDER_TRY(const auto end, run(job, {.say =
                                                [&](const core::Value& line) {
                                                  auto& lines = line.find("validated") != nullptr
                                                                    ? said.validated
                                                                    : said.progress;
                                                  lines.push_back(line);
                                                },
                                            .must_stop = [&] { return ++steps == stop_after; }}));
  said.stopped_at = end.stopped_at;
  return said;
}

}  // namespace wakebuilder::train
