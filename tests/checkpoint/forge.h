// Writes pickles, archives and legacy files piece by piece, so that any part of them can be wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"

#include "checkpoint/zip_writer.h"

namespace wakebuilder::test {

using namespace std::string_literals;

inline std::filesystem::path data_path(const std::string& name) {
  return std::filesystem::path(WAKEBUILDER_TEST_DATA) / name;
}

inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Reads a checkpoint from memory.
inline Result<checkpoint::Checkpoint> read_text(std::string bytes) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return checkpoint::read(std::as_bytes(std::span(*owner)), owner);
}

/// The bytes of a number, least significant first.
template <class T>
std::string raw(T value) {
  std::string out(sizeof(T), '\0');
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
  return out;
}

// ---- Pickle ------------------------------------------------------------------------------------

inline const std::string kProto = "\x80\x02";

inline std::string text(std::string_view value) {
  return "X" + raw(static_cast<std::uint32_t>(value.size())) + std::string(value);
}

inline std::string num(std::int64_t value) {
  if (value >= 0 && value < 256) return "K" + raw(static_cast<std::uint8_t>(value));
  if (value >= INT32_MIN && value <= INT32_MAX) return "J" + raw(static_cast<std::int32_t>(value));
  return "\x8a\x08" + raw(value);
}

inline std::string tuple(std::initializer_list<std::string> items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}

inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

inline std::string call(const std::string& function, std::initializer_list<std::string> arguments) {
  return function + tuple(arguments) + "R";
}

inline std::string dict(std::initializer_list<std::string> keys_and_values) {
  std::string out = "}(";
  for (const std::string& item : keys_and_values) out += item;
  return out + "u";
}

inline const std::string kOrderedDict = call(global("collections", "OrderedDict"), {});
inline const std::string kRebuild = global("torch._utils", "_rebuild_tensor_v2");

/// A storage of `numel` elements under `key`.
inline std::string storage(const std::string& key, std::int64_t numel,
                           const std::string& type = global("torch", "FloatStorage")) {
  return tuple({text("storage"), type, text(key), text("cpu"), num(numel)}) + "Q";
}

/// A two-dimensional float32 tensor.
inline std::string matrix(const std::string& from, std::int64_t rows, std::int64_t columns,
                          std::int64_t offset = 0) {
  return call(kRebuild, {from, num(offset), tuple({num(rows), num(columns)}),
                         tuple({num(columns), num(1)}), "\x89", kOrderedDict});
}

// ---- Files -------------------------------------------------------------------------------------

using Records = std::vector<std::pair<std::string, std::string>>;

inline std::string zip(const Records& records) {
  std::string out;
  checkpoint::ZipWriter writer([&](std::span<const std::byte> bytes) -> Result<void> {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  for (const auto& [name, content] : records) {
    static_cast<void>(writer.add(name, std::as_bytes(std::span(content))));
  }
  static_cast<void>(writer.finish());
  return out;
}

/// A checkpoint of torch.save: the object (without PROTO and STOP) and the records of its storages.
inline std::string pytorch(const std::string& object, const Records& storages = {}) {
  Records records = {{"m/data.pkl", kProto + object + "."}, {"m/version", "3\n"}};
  for (const auto& [key, content] : storages) records.emplace_back("m/data/" + key, content);
  return zip(records);
}

inline const std::string kMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;

/// A legacy file: magic, protocol, system information, object, keys; then `data` as it is.
inline std::string legacy(const std::string& object, const std::string& keys,
                          const std::string& data) {
  return kMagic + kProto + num(1001) + "." + kProto + "}." + kProto + object + "." + kProto + keys +
         "." + data;
}

/// The bytes of float32 values.
inline std::string floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(std::data(values)), values.size() * sizeof(float)};
}

/// `text` with the first `from` replaced by `to`.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  if (at == std::string::npos) return text;
  return text.replace(at, from.size(), to);
}

}  // namespace wakebuilder::test
