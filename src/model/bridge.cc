#include "wakebuilder/model/bridge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/model/speech_embedding.h"

namespace wakebuilder::model {
namespace {

constexpr std::size_t kRows = audio::kFftBins;
constexpr std::size_t kColumns = audio::kMelBins;
constexpr std::size_t kOutputs = kEmbeddingBins;
constexpr double kLowestHz = 60;
constexpr double kHighestHz = 3800;

// ---- the embedding's filters ----

const double kLogStep = std::log(6.4) / 27;

double slaney_mel(double hz) {
  return hz < 1000 ? 3 * hz / 200 : 15 + std::log(hz / 1000) / kLogStep;
}

double slaney_hz(double mel) {
  return mel < 15 ? 200 * mel / 3 : 1000 * std::exp((mel - 15) * kLogStep);
}

/// Filter j at each frequency, [257].
std::vector<double> embedding_filter(std::size_t j) {
  const double low = slaney_mel(kLowestHz);
  const double step = (slaney_mel(kHighestHz) - low) / (kOutputs + 1);
  const auto edge = [&](std::size_t i) { return slaney_hz(low + step * static_cast<double>(i)); };
  const double left = edge(j);
  const double centre = edge(j + 1);
  const double right = edge(j + 2);
  std::vector<double> filter(kRows);
  for (std::size_t k = 0; k < kRows; ++k) {
    const double hz = static_cast<double>(k) * audio::kSampleRateHz / audio::kFftSize;
    const double rise = (hz - left) / (centre - left);
    const double fall = (right - hz) / (right - centre);
    filter[k] = std::max(0.0, std::min(rise, fall)) * 2 / (right - left);
  }
  return filter;
}

/// Power that pre-emphasis leaves of a frequency.
double emphasis(std::size_t k) {
  const double angle = 2 * std::numbers::pi * static_cast<double>(k) / audio::kFftSize;
  const double real = 1 - audio::kPreEmphasis * std::cos(angle);
  const double imaginary = audio::kPreEmphasis * std::sin(angle);
  return real * real + imaginary * imaginary;
}

// ---- non-negative least squares (Lawson and Hanson 1974, chapter 23) ----

using Vector = std::array<double, kColumns>;

/// The problem as normal equations: products [128, 128] = H' H and H' b.
struct NormalEquations {
  std::vector<double> products;
  Vector target;

  double product(std::size_t i, std::size_t j) const { return products[i * kColumns + j]; }
};

/// Solves for the columns in `free`, by Cholesky's decomposition; the others are 0. Nothing where
/// the columns depend on each other.
std::optional<Vector> solve(const NormalEquations& equations,
                            const std::vector<std::size_t>& free) {
  const std::size_t n = free.size();
  std::vector<double> lower(n * n);
  std::vector<double> y(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = equations.product(free[i], free[j]);
      for (std::size_t k = 0; k < j; ++k) sum -= lower[i * n + k] * lower[j * n + k];
      if (i == j && sum <= 1e-14) return std::nullopt;
      lower[i * n + j] = i == j ? std::sqrt(sum) : sum / lower[j * n + j];
    }
    double sum = equations.target[free[i]];
    for (std::size_t k = 0; k < i; ++k) sum -= lower[i * n + k] * y[k];
    y[i] = sum / lower[i * n + i];
  }
  Vector solution{};
  for (std::size_t i = n; i-- > 0;) {
    double sum = y[i];
    for (std::size_t k = i + 1; k < n; ++k) sum -= lower[k * n + i] * solution[free[k]];
    solution[free[i]] = sum / lower[i * n + i];
  }
  return solution;
}

/// The column that lowers the error most when it grows from 0.
std::optional<std::size_t> steepest(const NormalEquations& equations, const Vector& x,
                                    const std::vector<bool>& is_tried) {
  std::optional<std::size_t> best;
  double most = 1e-12;
  for (std::size_t i = 0; i < kColumns; ++i) {
    if (is_tried[i]) continue;
    double slope = equations.target[i];
    for (std::size_t j = 0; j < kColumns; ++j) slope -= equations.product(i, j) * x[j];
    if (slope <= most) continue;
    most = slope;
    best = i;
  }
  return best;
}

/// Walks from x towards `wanted` until the first column reaches 0.
void step_towards(const Vector& wanted, Vector& x, std::vector<std::size_t>& free) {
  double share = 1;
  for (const std::size_t i : free)
    if (wanted[i] <= 0) share = std::min(share, x[i] / (x[i] - wanted[i]));
  for (const std::size_t i : free) x[i] += share * (wanted[i] - x[i]);
  std::erase_if(free, [&](std::size_t i) { return x[i] <= 1e-15; });
}

Vector non_negative(const NormalEquations& equations) {
  Vector x{};
  std::vector<std::size_t> free;
  std::vector<bool> is_tried(kColumns);
  while (const auto next = steepest(equations, x, is_tried)) {
    is_tried[*next] = true;
    free.push_back(*next);
    auto wanted = solve(equations, free);
    if (!wanted) {
      free.pop_back();
      continue;
    }
    const auto is_negative = [&](std::size_t i) { return (*wanted)[i] <= 0; };
    while (wanted && std::ranges::any_of(free, is_negative)) {
      step_towards(*wanted, x, free);
      wanted = solve(equations, free);
    }
    x = wanted.value_or(x);
    if (x[*next] <= 0) continue;  // others first; the error is as before
    is_tried.assign(kColumns, false);
    for (const std::size_t i : free) is_tried[i] = true;
  }
  return x;
}

}  // namespace

core::Tensor make_bridge() {
  const std::vector<double> filters = audio::mel_filters();
  NormalEquations equations{.products = std::vector<double>(kColumns * kColumns), .target = {}};
  for (std::size_t k = 0; k < kRows; ++k)
    for (std::size_t i = 0; i < kColumns; ++i)
      for (std::size_t j = 0; j < kColumns; ++j)
        equations.products[i * kColumns + j] +=
            filters[k * kColumns + i] * filters[k * kColumns + j];
  std::vector<float> bridge(kColumns * kOutputs);
  for (std::size_t output = 0; output < kOutputs; ++output) {
    const std::vector<double> filter = embedding_filter(output);
    equations.target = {};
    for (std::size_t k = 0; k < kRows; ++k)
      for (std::size_t i = 0; i < kColumns; ++i)
        equations.target[i] += filters[k * kColumns + i] * filter[k] / emphasis(k);
    const Vector column = non_negative(equations);
    for (std::size_t i = 0; i < kColumns; ++i)
      bridge[i * kOutputs + output] = static_cast<float>(column[i] * 32768.0 * 32768.0);
  }
  return core::Tensor::from(std::move(bridge), {kColumns, kOutputs});
}

}  // namespace wakebuilder::model
