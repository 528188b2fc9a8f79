// How languages write, or say, the phonemes of English. Data only; respell.cc reads it.
#pragma once

#include <array>
#include <string_view>

#include "wakebuilder/speech/phonemes.h"

namespace wakebuilder::speech {

/// Forms of a phoneme in espeak-ng's mnemonics, the best first, separated by blanks; | separates
/// the phonemes of a form.
struct MnemonicForms {
  Phoneme phoneme;
  std::string_view forms;
};

inline constexpr std::array<MnemonicForms, kPhonemeCount> kMnemonicForms = {{
    {Phoneme::kAA, "A: A a a:"},
    {Phoneme::kAE, "a E"},
    {Phoneme::kAH, "V a @ A"},
    {Phoneme::kAO, "O: O o o:"},
    {Phoneme::kAW, "aU au a|U"},
    {Phoneme::kAX, "@ @- V a e"},
    {Phoneme::kAY, "aI ai a|I"},
    {Phoneme::kEH, "E e e:"},
    {Phoneme::kER, "3: @|r E|r e|r @|R E|R e|R @ e"},
    {Phoneme::kEY, "eI ei e: e"},
    {Phoneme::kIH, "I i i:"},
    {Phoneme::kIY, "i: i"},
    {Phoneme::kOW, "oU ou o: o"},
    {Phoneme::kOY, "OI Oi oi o|i"},
    {Phoneme::kUH, "U u u:"},
    {Phoneme::kUW, "u: u"},
    {Phoneme::kB, "b"},
    {Phoneme::kCH, "tS tS; tC t|S"},
    {Phoneme::kD, "d"},
    {Phoneme::kDH, "D d z"},
    {Phoneme::kF, "f"},
    {Phoneme::kG, "g"},
    {Phoneme::kHH, "h x"},
    {Phoneme::kJH, "dZ dZ; dz; d|Z d|j tS"},
    {Phoneme::kK, "k"},
    {Phoneme::kL, "l"},
    {Phoneme::kM, "m"},
    {Phoneme::kN, "n"},
    {Phoneme::kNG, "N n"},
    {Phoneme::kP, "p"},
    {Phoneme::kR, "r R r/ *"},
    {Phoneme::kS, "s"},
    {Phoneme::kSH, "S s. s; s"},
    {Phoneme::kT, "t"},
    {Phoneme::kTH, "T t s"},
    {Phoneme::kV, "v w"},
    {Phoneme::kW, "w v u"},
    {Phoneme::kY, "j i"},
    {Phoneme::kZ, "z s"},
    {Phoneme::kZH, "Z z. z; z S"},
}};

/// An alphabet: what each phoneme is written as, in the order of the enumeration.
struct Alphabet {
  std::string_view language;
  std::array<std::string_view, kPhonemeCount> letters;
  /// Phonemes that are written in another way before e and i, and how: "K ch G gh".
  std::string_view before_front;
  /// Letters that are written as others where they meet: "йу ю".
  std::string_view contractions;
};

// clang-format off
inline constexpr std::array kAlphabets = std::to_array<Alphabet>({
    //      AA   AE   AH   AO   AW    AX   AY    EH   ER    EY    IH   IY    OW    OY    UH   UW
    {"cs", {"a", "e", "a", "o", "au", "e", "aj", "e", "er", "ej", "i", "í",  "ou", "oj", "u", "ú",
    //      B    CH    D    DH   F    G    HH   JH    K    L    M    N    NG
            "b", "č",  "d", "d", "f", "g", "h", "dž", "k", "l", "m", "n", "ng",
    //      P    R    S    SH    T    TH   V    W    Y    Z    ZH
            "p", "r", "s", "š",  "t", "t", "v", "v", "j", "z", "ž"}, "", ""},
    {"it", {"a", "e", "a", "o", "au", "e", "ai", "e", "er", "ei", "i", "i",  "o",  "oi", "u", "u",
            "b", "ci", "d", "d", "f", "g", "",  "gi", "c", "l", "m", "n", "n",
            "p", "r", "s", "sci", "t", "t", "v", "u", "i", "s", "gi"},
     "CH c G gh JH g K ch SH sc ZH g", ""},
    {"ca", {"a", "e", "a", "o", "au", "e", "ai", "e", "er", "ei", "i", "i",  "o",  "oi", "u", "u",
            "b", "tx", "d", "d", "f", "g", "",  "dj", "c", "l", "m", "n", "n",
            "p", "r", "s", "x",  "t", "t", "v", "u", "i", "s", "j"}, "G gu K qu", ""},
    {"fi", {"aa", "ä", "a", "o", "au", "e", "ai", "e", "er", "ei", "i", "ii", "ou", "oi", "u", "uu",
            "p", "ts", "d", "d", "f", "k", "h", "ts", "k", "l", "m", "n", "ng",
            "p", "r", "s", "s",  "t", "t", "v", "v", "j", "s", "s"}, "", ""},
    {"ru", {"а", "э", "а", "о", "ау", "э", "ай", "э", "эр", "эй", "и", "и",  "оу", "ой", "у", "у",
            "б", "ч",  "д", "д", "ф", "г", "х", "дж", "к", "л", "м", "н", "нг",
            "п", "р", "с", "ш",  "т", "т", "в", "в", "й", "з", "ж"}, "", "йу ю йа я"},
});

/// The scripts of India: a consonant has a vowel a in itself, which a sign changes or takes away.
/// For a vowel its sign after a consonant, its letter elsewhere, and a consonant that follows; for a
/// consonant its letter.
struct IndicLetters {
  std::string_view sign;
  std::string_view letter;
  std::string_view tail;
};

inline constexpr std::array<IndicLetters, kPhonemeCount> kDevanagari = {{
    {"ा", "आ", ""}, {"ै", "ऐ", ""}, {"", "अ", ""},  {"ॉ", "ऑ", ""},    // AA AE AH AO
    {"ौ", "औ", ""}, {"", "अ", ""},  {"ा", "आ", "य"}, {"े", "ए", ""},   // AW AX AY EH
    {"", "अ", "र"}, {"े", "ए", ""}, {"ि", "इ", ""}, {"ी", "ई", ""},    // ER EY IH IY
    {"ो", "ओ", ""}, {"ो", "ओ", "य"}, {"ु", "उ", ""}, {"ू", "ऊ", ""},   // OW OY UH UW
    {"", "ब", ""}, {"", "च", ""}, {"", "ड", ""}, {"", "द", ""}, {"", "फ", ""},  // B CH D DH F
    {"", "ग", ""}, {"", "ह", ""}, {"", "ज", ""}, {"", "क", ""}, {"", "ल", ""},  // G HH JH K L
    {"", "म", ""}, {"", "न", ""}, {"", "न", ""}, {"", "प", ""}, {"", "र", ""},  // M N NG P R
    {"", "स", ""}, {"", "श", ""}, {"", "ट", ""}, {"", "थ", ""}, {"", "व", ""},  // S SH T TH V
    {"", "व", ""}, {"", "य", ""}, {"", "ज", ""}, {"", "ज", ""},                 // W Y Z ZH
}};

/// A script of India whose signs are in the order of Devanagari, as Unicode has them.
struct IndicScript {
  std::string_view language;
  char32_t offset;                ///< from Devanagari
  std::string_view replacements;  ///< of Devanagari, for signs that the script has not: "ॉ ो"
};

inline constexpr std::array kIndicScripts = std::to_array<IndicScript>({
    {"hi", 0, ""},
    {"mr", 0, ""},
    {"te", 0x300, "ॉ ो ऑ ओ"},
});
// clang-format on

inline constexpr std::string_view kVirama = "्";  ///< takes the vowel of a consonant away

}  // namespace wakebuilder::speech
