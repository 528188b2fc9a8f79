#include "wakebuilder/corpus/window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::corpus {
namespace {

constexpr std::size_t kKnots = 4;
constexpr std::int64_t kShortest = 8;    ///< frames of a word that was made shorter
constexpr std::size_t kEnergyFrom = 8;   ///< first bin of the energy: below is hum
constexpr std::int64_t kValleySide = 3;  ///< frames on either side that are no lower
constexpr std::int64_t kPeakSide = 14;   ///< frames in which a peak must stand
constexpr float kValleyDepth = 1.5F;     ///< nepers below the peaks
constexpr std::int64_t kMostLonger = 8;  ///< frames that a gap grows
constexpr double kNearTheEnd = 12;       ///< mean of frames behind a word, in half of the windows
constexpr double kGap = 6;               ///< mean of frames between a word and its context
constexpr Range kContextDb = {-9, 6};
constexpr double kNepersPerDb = 0.23025850929940457;  ///< ln(10) / 10: of powers

std::int64_t length(std::span<const float> frames) {
  return static_cast<std::int64_t>(frames.size() / kBins);
}

std::span<const float> part(const Frames& frames, std::int64_t begin, std::int64_t end) {
  return std::span(frames).subspan(static_cast<std::size_t>(begin) * kBins,
                                   static_cast<std::size_t>(end - begin) * kBins);
}

void put(std::span<float> window, std::int64_t at, std::span<const float> frames, float gain = 0) {
  const auto target = window.subspan(static_cast<std::size_t>(at) * kBins, frames.size());
  std::ranges::transform(frames, target.begin(), [&](float value) { return value + gain; });
}

std::vector<float> energies(const Frames& piece) {
  std::vector<float> energies;
  for (std::int64_t t = 0; t < length(piece); ++t) {
    float sum = 0;
    for (const float value : part(piece, t, t + 1).subspan(kEnergyFrom)) sum += value;
    energies.push_back(sum / static_cast<float>(kBins - kEnergyFrom));
  }
  return energies;
}

bool is_valley(const std::vector<float>& energy, std::int64_t t) {
  const auto at = [&](std::int64_t i) { return energy.begin() + i; };
  const auto count = static_cast<std::int64_t>(energy.size());
  const float here = energy[static_cast<std::size_t>(t)];
  if (here > *std::min_element(at(t - kValleySide), at(t + kValleySide + 1))) return false;
  const float before = *std::max_element(at(std::max<std::int64_t>(0, t - kPeakSide)), at(t));
  const float behind = *std::max_element(at(t + 1), at(std::min(count, t + kPeakSide + 1)));
  return std::min(before, behind) - here > kValleyDepth;
}

}  // namespace

Frames with_gaps(const Frames& piece, double probability, Random& random) {
  const std::vector<float> energy = energies(piece);
  Frames longer;
  for (std::int64_t t = 0; t < length(piece); ++t) {
    const bool is_inside = t >= 2 * kValleySide && t < length(piece) - 2 * kValleySide;
    std::int64_t times = 1;
    if (is_inside && is_valley(energy, t) && random.chance(probability))
      times += random.integer(1, kMostLonger);
    for (std::int64_t i = 0; i < times; ++i) {
      const auto frame = part(piece, t, t + 1);
      longer.insert(longer.end(), frame.begin(), frame.end());
    }
  }
  return longer;
}

Frames warped(const Frames& piece, std::int64_t frames, const Range& rhythm, Random& random) {
  WAKEBUILDER_EXPECT(!piece.empty() && frames >= 2);
  std::array<double, kKnots> knots{};
  for (double& knot : knots) knot = random.uniform(rhythm.least, rhythm.most);
  std::vector<double> way(static_cast<std::size_t>(frames));
  double sum = 0;
  for (std::size_t i = 0; i < way.size(); ++i) {
    const double x = static_cast<double>(i) * (kKnots - 1) / static_cast<double>(way.size() - 1);
    const auto knot = std::min<std::size_t>(static_cast<std::size_t>(x), kKnots - 2);
    sum += knots[knot] + (knots[knot + 1] - knots[knot]) * (x - static_cast<double>(knot));
    way[i] = sum;
  }
  const double last = static_cast<double>(length(piece)) - 1.001;
  Frames result(way.size() * kBins);
  for (std::size_t i = 0; i < way.size(); ++i) {
    const double place = std::max(0.0, (way[i] - way[0]) / (sum - way[0]) * last);
    const auto from = static_cast<std::size_t>(place);
    const std::size_t next = std::min(from + 1, piece.size() / kBins - 1);
    const auto share = static_cast<float>(place - static_cast<double>(from));
    for (std::size_t bin = 0; bin < kBins; ++bin)
      result[i * kBins + bin] =
          piece[from * kBins + bin] * (1 - share) + piece[next * kBins + bin] * share;
  }
  return result;
}

Frames WindowComposer::stretched(Frames piece, const Range& tempo, std::int64_t most,
                                 Random& random) const {
  if (random.chance(options_.careful) && length(piece) < options_.frames)
    piece = with_gaps(piece, options_.lengthened, random);
  const auto wanted = static_cast<std::int64_t>(static_cast<double>(length(piece)) *
                                                random.uniform(tempo.least, tempo.most));
  const std::int64_t frames = std::min(std::max(kShortest, wanted), most);
  const bool changes = random.chance(options_.rhythm_share);
  return warped(piece, frames, changes ? options_.rhythm : Range{1, 1}, random);
}

void WindowComposer::add_context(std::span<float> window, std::int64_t begin, std::int64_t end,
                                 bool before, Random& random) const {
  constexpr double kRunningShare = 0.8;
  const auto gap = static_cast<std::int64_t>(random.exponential(kGap));
  const auto gain =
      static_cast<float>(random.uniform(kContextDb.least, kContextDb.most) * kNepersPerDb);
  const std::int64_t room = before ? begin - gap : options_.frames - end - gap;
  if (room <= 3) return;
  const Frames other =
      bank_.draw(random.chance(kRunningShare) ? Kind::kRunning : Kind::kNear, random).unpack();
  const std::int64_t count = std::min(room, length(other));
  if (before) {
    put(window, begin - gap - count, part(other, length(other) - count, length(other)), gain);
  } else {
    put(window, end + gap, part(other, 0, count), gain);
  }
}

/// Returns where it begins: anywhere, or in half of the windows near the end, where the detector
/// hears a word first.
std::int64_t WindowComposer::place(std::span<float> window, const Frames& piece,
                                   Random& random) const {
  const std::int64_t room = options_.frames - length(piece);
  const std::int64_t begin =
      random.chance(0.5)
          ? random.integer(0, room)
          : std::clamp<std::int64_t>(static_cast<std::int64_t>(static_cast<double>(room) -
                                                               random.exponential(kNearTheEnd)),
                                     0, room);
  put(window, begin, piece);
  for (const bool before : {true, false})
    if (random.chance(options_.context))
      add_context(window, begin, begin + length(piece), before, random);
  return begin;
}

Composition WindowComposer::compose_part(std::span<float> window, Random& random) const {
  const Place& whole = bank_.draw(Kind::kWord, random);
  const Frames word = stretched(whole.unpack(), options_.tempo, options_.frames - 2, random);
  const double share = random.uniform(options_.part.least, options_.part.most);
  const auto count = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(static_cast<double>(length(word)) * share));
  const bool first = random.chance(0.5);
  const auto cut = first ? part(word, 0, count) : part(word, length(word) - count, length(word));
  if (random.chance(0.5)) {
    place(window, Frames(cut.begin(), cut.end()), random);
  } else {
    put(window, first ? options_.frames - count : 0, cut);  // cut by the window itself
  }
  return {.is_single = true, .before = options_.frames, .text = "part: " + whole.piece().text};
}

Composition WindowComposer::compose_running(std::span<float> window, Random& random) const {
  constexpr double kRunningShare = 0.85;
  constexpr double kStretchedShare = 0.4;
  constexpr double kPause = 8;
  constexpr double kEndShare = 0.15;
  std::int64_t at = -random.integer(0, 59);
  std::string text = "running:";
  while (at < options_.frames) {
    const Place& place =
        bank_.draw(random.chance(kRunningShare) ? Kind::kRunning : Kind::kNear, random);
    text += " " + place.piece().text;
    Frames piece = place.unpack();
    const std::int64_t begin =
        at < 0 ? random.index(std::max<std::int64_t>(1, length(piece) - 20)) : 0;
    const std::int64_t end = std::min(length(piece), begin + 2 * options_.frames);
    const auto cut = part(piece, begin, end);
    piece = Frames(cut.begin(), cut.end());
    at = std::max<std::int64_t>(at, 0);
    if (random.chance(kStretchedShare))
      piece = stretched(std::move(piece), options_.tempo, 4 * options_.frames, random);
    const std::int64_t count = std::min(length(piece), options_.frames - at);
    put(window, at, part(piece, 0, count));
    at += count + static_cast<std::int64_t>(random.exponential(kPause));
    if (random.chance(kEndShare)) break;
  }
  return {.before = options_.frames, .text = std::move(text)};
}

Composition WindowComposer::compose(std::span<float> window, Random& random) const {
  WAKEBUILDER_EXPECT(length(window) == options_.frames);
  const std::int64_t most = options_.frames - 2;
  const auto one = [&](Kind kind, const Range& tempo, std::int64_t longest) {
    const Place& piece = bank_.draw(kind, random);
    const std::int64_t before =
        place(window, stretched(piece.unpack(), tempo, longest, random), random);
    return Composition{.label = kind == Kind::kWord || kind == Kind::kPhrase ? 1 : 0,
                       .is_single = true,
                       .before = before,
                       .text = std::string(to_string(kind)) + ": " + piece.piece().text};
  };
  if (random.chance(options_.with_word)) {
    const bool in_phrase = bank_.count(Kind::kPhrase) > 0 && random.chance(options_.phrases);
    return in_phrase ? one(Kind::kPhrase, options_.phrase_tempo, options_.frames)
                     : one(Kind::kWord, options_.tempo, most);
  }
  double draw = random.uniform() - options_.near;
  if (draw < 0) return one(Kind::kNear, options_.tempo, most);
  draw -= options_.isolated;
  if (draw < 0) return one(Kind::kIsolated, options_.tempo, most);
  if (bank_.count(Kind::kJumbled) > 0) {
    draw -= options_.jumbled;
    if (draw < 0) return one(Kind::kJumbled, options_.tempo, most);
  }
  draw -= options_.parts;
  if (draw < 0) return compose_part(window, random);
  if (draw >= options_.quiet) return compose_running(window, random);
  return {.before = options_.frames, .text = "noise"};
}

}  // namespace wakebuilder::corpus
