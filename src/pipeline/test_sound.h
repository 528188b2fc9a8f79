// Sound that exports are compared on.
#pragma once

#include <cstddef>
#include <vector>

namespace wakebuilder::pipeline {

/// A person who says "computer", built into the library (src/pipeline/data/README.md): 32,000
/// samples, ±1, 16 kHz.
std::vector<float> recorded_word();

/// Sounds of some seconds for a batch: the word, the word again and again in noise, quietly, noise
/// alone, a chirp from 50 to 7900 Hz, digital silence, the word late. Each has `samples` samples;
/// the same on every machine up to the last bit of a sine.
/// @param row  0 to 6
std::vector<float> test_sound(std::size_t row, std::size_t samples);

}  // namespace wakebuilder::pipeline
