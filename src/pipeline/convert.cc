#include "wakebuilder/pipeline/convert.h"

#include <algorithm>
#include <bit>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using core::Value;

enum class Target { kPyTorch, kSafetensors };

Result<Target> target_of(const fs::path& output) {
  const std::string ending = output.extension().string();
  if (ending == ".safetensors") return Target::kSafetensors;
  if (ending == ".pt" || ending == ".pth" || ending == ".bin") return Target::kPyTorch;
  return fail(
      ErrorCode::kInvalidArgument,
      core::shown(output) + ": expected a name that ends in .pt, .pth, .bin or .safetensors");
}

Result<void> check_output(const fs::path& input, const fs::path& output, bool force) {
  std::error_code error;
  if (!fs::exists(output, error)) return {};
  if (fs::equivalent(input, output, error) && !error) {
    return fail(ErrorCode::kInvalidArgument,
                core::shown(output) + ": is the input and cannot be the output");
  }
  if (force || checkpoint::read(output)) return {};
  return fail(ErrorCode::kInvalidArgument, core::shown(output) +
                                               ": is there already and is no checkpoint; choose "
                                               "another name, or --force to overwrite it");
}

// ---- equality, bit by bit ----

bool same(const Value& a, const Value& b);

bool same_list(const core::List& a, const core::List& b) { return std::ranges::equal(a, b, same); }

struct Same {
  const Value& other;

  template <class T>
  bool operator()(const T& value) const {
    const T* found = other.get_if<T>();
    return found != nullptr && equal(value, *found);
  }

  static bool equal(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  }
  static bool equal(const core::List& a, const core::List& b) { return same_list(a, b); }
  static bool equal(const core::Tuple& a, const core::Tuple& b) {
    return same_list(a.items, b.items);
  }
  static bool equal(const core::Dict& a, const core::Dict& b) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
      return same(x.first, y.first) && same(x.second, y.second);
    });
  }
  static bool equal(const core::Tensor& a, const core::Tensor& b) {
    return a.dtype() == b.dtype() && a.shape() == b.shape() &&
           std::ranges::equal(a.bytes(), b.bytes());
  }
  template <class T>
  static bool equal(const T& a, const T& b) {
    return a == b;
  }
};

bool same(const Value& a, const Value& b) { return std::visit(Same{b}, a.variant()); }

std::size_t count_tensors(const Value& value) {
  if (value.get_if<core::Tensor>() != nullptr) return 1;
  std::size_t count = 0;
  const auto add_all = [&](const core::List& items) {
    for (const Value& item : items) count += count_tensors(item);
  };
  if (const auto* list = value.get_if<core::List>()) add_all(*list);
  if (const auto* tuple = value.get_if<core::Tuple>()) add_all(tuple->items);
  if (const auto* dict = value.get_if<core::Dict>()) {
    for (const auto& entry : *dict) count += count_tensors(entry.second);
  }
  return count;
}

Result<void> write(core::StagedFile& file, Target target, const checkpoint::Checkpoint& source) {
  if (target == Target::kPyTorch) return checkpoint::write_pytorch(file, source.root);
  return checkpoint::write_safetensors(file, source.root, source.file_metadata);
}

}  // namespace

Result<ConvertReport> convert(const fs::path& input, const fs::path& output, bool force) {
  WAKEBUILDER_TRY(const Target target, target_of(output));
  WAKEBUILDER_TRY(const auto source, checkpoint::read(input));
  WAKEBUILDER_CHECK(check_output(input, output, force));
  WAKEBUILDER_TRY(auto staged, core::StagedFile::create(output));
  if (auto written = write(staged, target, source); !written) {
    if (written.error().code == ErrorCode::kIo) return fail(std::move(written).error());
    return fail_in(core::shown(input), std::move(written).error());
  }
  ConvertReport report{.output = output, .tensors = count_tensors(source.root), .bytes = 0};
  {
    WAKEBUILDER_TRY(const auto back, checkpoint::read(staged.path()));
    if (!same(source.root, back.root)) {
      return fail(
          ErrorCode::kCheckFailed,
          core::shown(input) + ": would not read back the same from " + core::shown(output));
    }
    report.bytes = back.file->bytes().size();
  }
  WAKEBUILDER_CHECK(staged.publish());
  return report;
}

}  // namespace wakebuilder::pipeline
