#include "onnx/other_format.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace wakebuilder::onnx {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view what;
};

constexpr std::array kSignatures = {
    Signature{0, "PK\x03\x04"sv, "looks like a PyTorch checkpoint or another ZIP archive"},
    Signature{0, "\x80\x02"sv, "looks like a pickle, as old PyTorch checkpoints are"},
    Signature{0, "\x80\x03"sv, "looks like a pickle"},
    Signature{0, "\x80\x04"sv, "looks like a pickle"},
    Signature{0, "\x80\x05"sv, "looks like a pickle"},
    Signature{0, "version https://git-lfs"sv,
              "is a Git LFS pointer, not the model itself (git lfs pull fetches it)"},
    Signature{4, "ORTM"sv, "looks like an ONNX Runtime model (.ort)"},
    Signature{4, "TFL3"sv, "looks like a TensorFlow Lite model"},
    Signature{0, "\x89HDF"sv, "looks like an HDF5 file"},
    Signature{0, "\x93NUMPY"sv, "looks like a NumPy array"},
    Signature{0, "RIFF"sv, "looks like a RIFF file, as WAV audio is"},
    Signature{0, "GGUF"sv, "looks like a GGUF model"},
    Signature{0, "\x1f\x8b"sv, "looks like gzip"},
};

/// A JSON header behind its length in 8 bytes.
bool is_safetensors(std::string_view text) {
  if (text.size() < 10 || text[8] != '{') return false;
  std::uint64_t length = 0;
  std::memcpy(&length, text.data(), sizeof(length));
  return length <= text.size() - 8;
}

bool is_text_character(char c) {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte >= 0x20 ? byte != 0x7f : c == '\n' || c == '\r' || c == '\t' || c == '\f';
}

/// A model begins with the tag of its IR version, a control character, or soon has one.
bool is_text(std::string_view text) {
  const auto start = text.substr(0, 512);
  return std::all_of(start.begin(), start.end(), is_text_character);
}

}  // namespace

std::optional<std::string> other_format(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const auto& [offset, signature, what] : kSignatures) {
    if (text.size() >= offset && text.substr(offset).starts_with(signature))
      return std::string(what);
  }
  if (is_safetensors(text)) return "looks like safetensors";
  if (is_text(text)) return "looks like text";
  return std::nullopt;
}

}  // namespace wakebuilder::onnx
