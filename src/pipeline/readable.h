// Numbers as people read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wakebuilder::pipeline {

/// "0.73": at most so many digits behind the point; "?" for what is no number.
std::string rounded(double value, int digits);

/// "0.800": for numbers below each other; "?" for what is no number.
std::string three_digits(double value);

/// "2.2e-07": for what is small; "?" for what is no number.
std::string two_digits(double value);

/// A share of 0 to 1: "97.3 %".
std::string percent(double share);

/// "4.2 s", "12 min 5 s", "1 h 3 min".
std::string duration(double seconds);

/// "1 word", "3 words".
std::string counted(std::size_t number, std::string_view one, std::string_view many);

/// "3.1 MB", "812 bytes".
std::string byte_size(std::uint64_t bytes);

/// A word of a command line, quoted where a shell would see more in it than its letters.
std::string shell_word(std::string_view text);

}  // namespace wakebuilder::pipeline
