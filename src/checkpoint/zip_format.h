// The numbers of the zip format that reader and writer share.
#pragma once

#include <cstdint>

namespace wakebuilder::checkpoint::zip {

constexpr std::uint32_t kLocalSignature = 0x04034b50;         // PK 3 4
constexpr std::uint32_t kDescriptorSignature = 0x08074b50;    // PK 7 8
constexpr std::uint32_t kDirectorySignature = 0x02014b50;     // PK 1 2
constexpr std::uint32_t kEndSignature = 0x06054b50;           // PK 5 6
constexpr std::uint32_t kZip64EndSignature = 0x06064b50;      // PK 6 6
constexpr std::uint32_t kZip64LocatorSignature = 0x07064b50;  // PK 6 7

constexpr std::uint64_t kLocalBytes = 30;
constexpr std::uint64_t kDirectoryBytes = 46;
constexpr std::uint64_t kEndBytes = 22;
constexpr std::uint64_t kZip64EndBytes = 56;
constexpr std::uint64_t kZip64LocatorBytes = 20;

constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;

constexpr std::uint16_t kFlagCompressionLevel = 0x0006;
constexpr std::uint16_t kFlagDescriptor = 0x0008;
constexpr std::uint16_t kFlagUtf8 = 0x0800;

constexpr std::uint16_t kZip64ExtraId = 0x0001;
constexpr std::uint32_t kInZip64Extra = 0xffffffff;
constexpr std::uint16_t kInZip64End = 0xffff;

}  // namespace wakebuilder::checkpoint::zip
