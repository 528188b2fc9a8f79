// Tells what a file is by its content.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace wakebuilder::checkpoint {

/// Containers that are read, and all the rest.
enum class Content { kZip, kPickle, kTar, kSafetensors, kOther };

Content sniff(std::span<const std::byte> bytes);

/// For Content::kOther: what the file is and what to do, as the end of a sentence.
std::string_view describe_foreign(std::span<const std::byte> bytes);

}  // namespace wakebuilder::checkpoint
