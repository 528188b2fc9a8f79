#include "wakebuilder/onnx/external_data.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "wakebuilder/core/text.h"

#include "onnx/tensor_size.h"

namespace wakebuilder::onnx {
namespace {

namespace fs = std::filesystem;

struct Reference {
  std::string location;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};

tl::unexpected<Error> corrupt(std::string sentence) {
  return fail(ErrorCode::kCorrupt, std::move(sentence));
}

std::string shown(const std::string& location) {
  return "external data \"" + core::quote(location) + "\"";
}

Result<std::uint64_t> parse_number(std::string_view key, std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return corrupt("external data: expected a number of bytes as " + std::string(key) +
                   ", found \"" + core::quote(text) + "\"");
  }
  return number;
}

Result<Reference> reference_of(const TensorProto& tensor) {
  Reference reference;
  for (const auto& [key, value] : tensor.external_data) {
    if (key == "location") reference.location = value;
    if (key == "offset") {
      WAKEBUILDER_TRY(reference.offset, parse_number(key, value));
    }
    if (key == "length") {
      WAKEBUILDER_TRY(reference.length, parse_number(key, value));
    }
  }
  if (reference.location.empty()) return corrupt("is stored externally, but has no location");
  return reference;
}

Result<std::uint64_t> needed_bytes(const TensorProto& tensor) {
  WAKEBUILDER_TRY(const auto elements, tensor_elements(tensor));
  const auto type = element_type_info(tensor.data_type);
  if (!type || type->bits == 0) {
    return corrupt("external data cannot be " + element_type_name(tensor.data_type));
  }
  const auto size = raw_size(*type, elements);
  if (!size) return corrupt("has more bytes than 64 bits count");
  return *size;
}

Result<void> check_spelling(const std::string& location) {
  const fs::path path(location);
  if (location.find('\0') != std::string::npos)
    return corrupt(shown(location) + " has a zero byte in its name");
  if (path.is_absolute()) {
    return corrupt(shown(location) +
                   ": expected a path relative to the model's folder, found an absolute one");
  }
  if (std::find(path.begin(), path.end(), "..") != path.end()) {
    return corrupt(shown(location) + " leads out of the model's folder: \"..\" is not allowed");
  }
  return {};
}

/// True when `path` lies below `folder`; both canonical.
bool lies_inside(const fs::path& path, const fs::path& folder) {
  const auto [end, unused] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

/// The file behind the location, all links followed.
Result<fs::path> resolve(const fs::path& folder, const std::string& location) {
  WAKEBUILDER_CHECK(check_spelling(location));
  std::error_code error;
  const fs::path root = fs::canonical(folder.empty() ? fs::path(".") : folder, error);
  if (error)
    return fail(ErrorCode::kNotFound, shown(location) + ": the model's folder is not there");
  fs::path file = fs::canonical(root / location, error);
  if (error) return fail(ErrorCode::kNotFound, shown(location) + ": no such file beside the model");
  if (!lies_inside(file, root))
    return corrupt(shown(location) + " is a link that leads out of the model's folder");
  if (!fs::is_regular_file(file, error))
    return corrupt(shown(location) + ": expected a regular file");
  if (fs::hard_link_count(file, error) > 1) {
    return corrupt(
        shown(location) +
        " is a hard link: the file has another name, perhaps outside the model's folder");
  }
  return file;
}

/// The part of the file that belongs to a tensor of `needed` bytes.
Result<std::span<const std::byte>> part_of(std::span<const std::byte> file,
                                           const Reference& reference, std::uint64_t needed) {
  const std::uint64_t length = reference.length.value_or(needed);
  if (length != needed) {
    return corrupt(shown(reference.location) + ": expected a length of " + std::to_string(needed) +
                   " bytes, found " + std::to_string(length));
  }
  if (reference.offset > file.size() || file.size() - reference.offset < length) {
    return corrupt(shown(reference.location) + ": expected " + std::to_string(length) +
                   " bytes from byte " + std::to_string(reference.offset) +
                   ", but the file ends at " + std::to_string(file.size()));
  }
  return file.subspan(static_cast<std::size_t>(reference.offset), static_cast<std::size_t>(length));
}

}  // namespace

Result<ExternalData::File> ExternalData::open(const std::string& location) {
  if (const auto known = files_.find(location); known != files_.end()) return known->second;
  auto file = [&]() -> Result<File> {
    WAKEBUILDER_TRY(const fs::path path, resolve(folder_, location));
    return core::MappedFile::open(path);
  }();
  return files_.emplace(location, std::move(file)).first->second;
}

Result<Blob> ExternalData::bytes(const TensorProto& tensor) {
  WAKEBUILDER_TRY(const auto reference, reference_of(tensor));
  WAKEBUILDER_TRY(const auto file, open(reference.location));
  WAKEBUILDER_TRY(const auto needed, needed_bytes(tensor));
  WAKEBUILDER_TRY(const auto part, part_of(file->bytes(), reference, needed));
  return Blob{part, file};
}

Result<Blob> external_bytes(const TensorProto& tensor, const std::filesystem::path& folder) {
  return ExternalData(folder).bytes(tensor);
}

}  // namespace wakebuilder::onnx
