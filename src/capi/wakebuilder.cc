#include "wakebuilder/wakebuilder.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/version.h"

#include "capi/failure.h"
#include "capi/options.h"
#include "capi/queued_detector.h"

namespace capi = wakebuilder::capi;

using capi::guarded;
using wakebuilder::ErrorCode;
using wakebuilder::fail;
using wakebuilder::Result;

// NOLINTNEXTLINE(readability-identifier-naming): C
struct wakebuilder_detector {
  capi::QueuedDetector queued;
};

namespace {

Result<void> expect(const void* pointer, const std::string& name) {
  if (pointer != nullptr) return {};
  return fail(ErrorCode::kInvalidArgument, name + ": expected a pointer, found NULL");
}

Result<std::vector<wakebuilder::pipeline::ListenTarget>> targets(const char* const* models,
                                                                 std::size_t count) {
  if (count > 0) WAKEBUILDER_CHECK(expect(static_cast<const void*>(models), "models"));
  std::vector<wakebuilder::pipeline::ListenTarget> targets;
  for (const char* model : std::span(models, count)) {
    WAKEBUILDER_CHECK(expect(model, "models[" + std::to_string(targets.size()) + "]"));
    targets.push_back({.name = "", .file = model});
  }
  return targets;
}

Result<wakebuilder_detector*> open(const char* const* models, std::size_t count,
                                   const wakebuilder_options* options) {
  WAKEBUILDER_TRY(const auto files, targets(models, count));
  WAKEBUILDER_TRY(const auto how, capi::listen_options(options));
  WAKEBUILDER_TRY(auto queued, capi::QueuedDetector::open(files, how));
  auto detector =
      std::make_unique<wakebuilder_detector>(wakebuilder_detector{.queued = std::move(queued)});
  return detector
      .release();  // NOLINT(cppcoreguidelines-owning-memory): wakebuilder_close() deletes
}

template <class Sample>
int push(wakebuilder_detector* detector, const Sample* samples, std::size_t count) {
  return guarded(-1, [&]() -> Result<int> {
    WAKEBUILDER_CHECK(expect(detector, "detector"));
    if (count > 0) WAKEBUILDER_CHECK(expect(samples, "samples"));
    if (count > PTRDIFF_MAX / sizeof(Sample)) {
      return fail(
          ErrorCode::kInvalidArgument,
          "count: expected fewer samples than memory holds, found " + std::to_string(count));
    }
    return detector->queued.push(std::span<const Sample>(samples, count));
  });
}

/// Asks the detector, if there is one.
template <class T, class F>
T ask(T otherwise, const wakebuilder_detector* detector, F&& question) {
  return guarded(otherwise, [&]() -> Result<T> {
    WAKEBUILDER_CHECK(expect(detector, "detector"));
    return question(detector->queued);
  });
}

wakebuilder_detection detection_of(const capi::Heard& heard,
                                   const wakebuilder::runtime::WakeWord& word) {
  return {.model = word.model.c_str(),
          .wake_word = word.wake_word.c_str(),
          .model_index = heard.model,
          .time_s = heard.time_s,
          .score = heard.score};
}

}  // namespace

wakebuilder_detector* wakebuilder_open(const char* const* models, size_t count,
                                       const wakebuilder_options* options) {
  return guarded<wakebuilder_detector*>(nullptr, [&] { return open(models, count, options); });
}

void wakebuilder_close(wakebuilder_detector* detector) {
  delete detector;  // NOLINT(cppcoreguidelines-owning-memory): made by wakebuilder_open()
}

int wakebuilder_push_f32(wakebuilder_detector* detector, const float* samples, size_t count) {
  return push(detector, samples, count);
}

int wakebuilder_push_s16(wakebuilder_detector* detector, const int16_t* samples, size_t count) {
  return push(detector, samples, count);
}

int wakebuilder_finish(wakebuilder_detector* detector) {
  return guarded(-1, [&]() -> Result<int> {
    WAKEBUILDER_CHECK(expect(detector, "detector"));
    return detector->queued.finish();
  });
}

int wakebuilder_poll(wakebuilder_detector* detector, wakebuilder_detection* out) {
  return guarded(-1, [&]() -> Result<int> {
    WAKEBUILDER_CHECK(expect(detector, "detector"));
    WAKEBUILDER_CHECK(expect(out, "out"));
    if (!detector->queued.has_waiting()) return 0;
    const capi::Heard heard = detector->queued.take();
    WAKEBUILDER_TRY(const auto* const word, detector->queued.word(heard.model));
    *out = detection_of(heard, *word);
    return 1;
  });
}

int wakebuilder_reset(wakebuilder_detector* detector) {
  return guarded(-1, [&]() -> Result<int> {
    WAKEBUILDER_CHECK(expect(detector, "detector"));
    detector->queued.reset();
    return 0;
  });
}

uint64_t wakebuilder_samples(const wakebuilder_detector* detector) {
  return ask<std::uint64_t>(0, detector, [](const auto& queued) { return queued.samples(); });
}

uint64_t wakebuilder_dropped(const wakebuilder_detector* detector) {
  return ask<std::uint64_t>(0, detector, [](const auto& queued) { return queued.dropped(); });
}

double wakebuilder_score(const wakebuilder_detector* detector, size_t model_index) {
  return ask<double>(-1, detector, [=](const auto& queued) { return queued.score(model_index); });
}

double wakebuilder_threshold(const wakebuilder_detector* detector, size_t model_index) {
  return ask<double>(-1, detector, [=](const auto& queued) {
    return queued.word(model_index).map([](const auto* word) { return word->decision.threshold; });
  });
}

const char* wakebuilder_model(const wakebuilder_detector* detector, size_t model_index) {
  return ask<const char*>(nullptr, detector, [=](const auto& queued) {
    return queued.word(model_index).map([](const auto* word) { return word->model.c_str(); });
  });
}

const char* wakebuilder_wake_word(const wakebuilder_detector* detector, size_t model_index) {
  return ask<const char*>(nullptr, detector, [=](const auto& queued) {
    return queued.word(model_index).map([](const auto* word) { return word->wake_word.c_str(); });
  });
}

const char* wakebuilder_remark(const wakebuilder_detector* detector, size_t index) {
  return ask<const char*>(nullptr, detector, [=](const auto& queued) {
    const auto& remarks = queued.remarks();
    return index < remarks.size() ? remarks[index].c_str() : nullptr;
  });
}

const char* wakebuilder_last_error(void) { return capi::failure_sentence(); }
int wakebuilder_last_error_code(void) { return capi::failure_code(); }

// A view of a literal, so there is a zero behind it.
const char* wakebuilder_version(void) { return wakebuilder::version().data(); }
