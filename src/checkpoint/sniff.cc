#include "checkpoint/sniff.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "wakebuilder/core/byte_reader.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::checkpoint {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view what;
};

constexpr Signature kSignatures[] = {
    {0, "\x89HDF\r\n\x1a\n"sv,
     "an HDF5 file (Keras), not a PyTorch checkpoint; export the model from its own framework"},
    {0, "\x1f\x8b"sv, "a gzip archive; unpack it first"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive; unpack it first"},
    {0, "Rar!\x1a\x07"sv, "a RAR archive; unpack it first"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "an xz archive; unpack it first"},
    {0, "BZh"sv, "a bzip2 archive; unpack it first"},
    {0, "\x28\xb5\x2f\xfd"sv, "a zstandard archive; unpack it first"},
    {0, "PK\5\6"sv, "an empty zip archive, not a PyTorch checkpoint"},
    {0, "GGUF"sv, "a GGUF file, not a PyTorch checkpoint"},
    {0, "\x93NUMPY"sv, "a NumPy array, not a PyTorch checkpoint"},
    {4, "TFL3"sv, "a TensorFlow Lite model, not a PyTorch checkpoint"},
    {0, "version https://git-lfs"sv,
     "a Git LFS pointer, not the checkpoint itself; fetch it with git lfs pull"},
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The 8-byte header length, then a JSON object of this length.
bool is_safetensors(std::span<const std::byte> bytes) {
  core::ByteReader reader(bytes);
  const auto length = reader.number<std::uint64_t>();
  return length && *length >= 2 && reader.remaining() >= 1 && reader.text(1) == "{" &&
         *length <= (std::uint64_t{100} << 20);
}

/// A protobuf message whose first field is ir_version (a small number), followed by a field of
/// ModelProto.
bool is_onnx(std::string_view text) {
  constexpr std::string_view kNextTags = "\x12\x1a\x22\x28\x32\x3a\x42";
  return text.size() > 3 && text[0] == '\x08' && text[1] > 0 && text[1] < 32 &&
         kNextTags.find(text[2]) != std::string_view::npos;
}

bool is_text(std::string_view text) {
  std::string_view head = text.substr(0, 512);
  while (!head.empty() && (static_cast<unsigned char>(head.back()) & 0x80U) != 0)
    head.remove_suffix(1);
  return core::is_utf8(head) && std::all_of(head.begin(), head.end(), [](char c) {
           const auto code = static_cast<unsigned char>(c);
           return code >= 0x20 || c == '\n' || c == '\r' || c == '\t' || c == '\f';
         });
}

bool is_html(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && text[start] == '<';
}

}  // namespace

Content sniff(std::span<const std::byte> bytes) {
  const std::string_view text = text_of(bytes);
  if (text.starts_with("PK\3\4"sv)) return Content::kZip;
  // Before pickles: a header of 384 bytes begins with 80 01, too. No pickle has four zeros and a
  // brace there.
  if (is_safetensors(bytes)) return Content::kSafetensors;
  if (text.size() > 257 && text.substr(257).starts_with("ustar"sv)) return Content::kTar;
  const bool is_pickle =
      text.size() >= 2 && text[0] == '\x80' && static_cast<unsigned char>(text[1]) <= 5;
  return is_pickle ? Content::kPickle : Content::kOther;
}

std::string_view describe_foreign(std::span<const std::byte> bytes) {
  const std::string_view text = text_of(bytes);
  if (text.empty()) return "the file is empty; expected a PyTorch or safetensors checkpoint";
  for (const Signature& signature : kSignatures) {
    if (text.size() > signature.offset &&
        text.substr(signature.offset).starts_with(signature.bytes)) {
      return signature.what;
    }
  }
  if (is_onnx(text))
    return "an ONNX model, not a checkpoint; expected the .pt file that it was exported from";
  if (is_html(text))
    return "an HTML or XML page, not a checkpoint: the download failed; fetch the file again";
  if (is_text(text))
    return "a text, not a checkpoint: perhaps a failed download; expected a file that torch.save "
           "wrote";
  return "not a PyTorch checkpoint, nor safetensors: its content is of no known kind; expected a "
         "file that "
         "torch.save wrote";
}

}  // namespace wakebuilder::checkpoint
