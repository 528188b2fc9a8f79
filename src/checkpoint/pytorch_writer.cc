#include "checkpoint/pytorch_writer.h"

#include <span>
#include <string>
#include <string_view>

#include "wakebuilder/checkpoint/write.h"

#include "checkpoint/pickle_writer.h"
#include "checkpoint/storage_plan.h"

namespace wakebuilder::checkpoint {
namespace {

constexpr std::string_view kRoot = "archive/";

Result<void> add_text(ZipWriter& zip, std::string_view name, std::string_view text) {
  return zip.add(std::string(kRoot) + std::string(name), std::as_bytes(std::span(text)));
}

}  // namespace

Result<void> write_pytorch_to(const ByteSink& sink, const core::Value& root) {
  const StoragePlan plan(root);
  WAKEBUILDER_TRY(const std::string pickle, write_pickle(root, plan));
  ZipWriter zip(sink);
  WAKEBUILDER_CHECK(add_text(zip, "data.pkl", pickle));
  WAKEBUILDER_CHECK(add_text(zip, ".format_version", "1"));
  WAKEBUILDER_CHECK(add_text(zip, ".storage_alignment", "64"));
  WAKEBUILDER_CHECK(add_text(zip, "byteorder", "little"));
  for (std::size_t i = 0; i < plan.storages().size(); ++i) {
    const std::string name = std::string(kRoot) + "data/" + std::to_string(i);
    WAKEBUILDER_CHECK(zip.add(name, plan.storages()[i].bytes));
  }
  WAKEBUILDER_CHECK(add_text(zip, "version", "3\n"));
  return zip.finish();
}

Result<void> write_pytorch(core::StagedFile& file, const core::Value& root) {
  return write_pytorch_to([&](std::span<const std::byte> bytes) { return file.write(bytes); },
                          root);
}

}  // namespace wakebuilder::checkpoint
