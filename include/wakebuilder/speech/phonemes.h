// Phonemes: what text sounds like, and how far two sounds are apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::speech {

/// The inventory of the CMU dictionary (ARPAbet, without stress), and AX, its unstressed vowel.
enum class Phoneme : std::uint8_t {
  kAA,
  kAE,
  kAH,
  kAO,
  kAW,
  kAX,
  kAY,
  kEH,
  kER,
  kEY,
  kIH,
  kIY,
  kOW,
  kOY,
  kUH,
  kUW,  // vowels
  kB,
  kCH,
  kD,
  kDH,
  kF,
  kG,
  kHH,
  kJH,
  kK,
  kL,
  kM,
  kN,
  kNG,
  kP,
  kR,
  kS,
  kSH,
  kT,
  kTH,
  kV,
  kW,
  kY,
  kZ,
  kZH,
};

inline constexpr std::size_t kPhonemeCount = 40;
inline constexpr double kGapCost = 0.8;  ///< of a phoneme too many or too few

using Pronunciation = std::vector<Phoneme>;

/// What tells phonemes apart.
struct PhonemeFeatures {
  bool is_vowel = false;
  /// A bit for each class of sounds that are easily taken for one another; a phoneme may be in
  /// several.
  std::uint32_t classes = 0;
};

PhonemeFeatures features(Phoneme phoneme);

/// "AA"
std::string_view to_string(Phoneme phoneme);
/// "JH AA R V IH S"
std::string to_string(std::span<const Phoneme> pronunciation);
/// "AA", "aa" or "AA1"; nothing for other text.
std::optional<Phoneme> to_phoneme(std::string_view name);
/// The inverse of to_string(). Errors: kInvalidArgument names what is no phoneme.
Result<Pronunciation> parse_pronunciation(std::string_view text);

/// What espeak-ng's voice of `language` would say, each sound as the nearest of the inventory.
/// Errors: kInvalidArgument as check_text(); kUnavailable when espeak-ng is not installed;
/// kUnsupported when nothing can be made of its answer; kIo.
Result<Pronunciation> pronounce(std::string_view text, std::string_view language = "en-us");

/// Phonemes from the alphabet of the International Phonetic Association, as `espeak-ng --ipa
/// --sep=_` writes it. Errors: kUnsupported for a sign that is not known, and for no phonemes.
Result<Pronunciation> from_ipa(std::string_view ipa);

/// 0 for the same; 0.5 inside a class; 1 for others of the same kind, 1.4 for vowel and consonant.
double substitution_cost(Phoneme a, Phoneme b);

/// Weighted edit distance: substitutions as above, kGapCost for each phoneme too many or too few.
double distance(std::span<const Phoneme> a, std::span<const Phoneme> b);

/// The least distance of any stretch of `whole` to `word`: 0 where `whole` contains it.
double best_substring_distance(std::span<const Phoneme> whole, std::span<const Phoneme> word);

}  // namespace wakebuilder::speech
