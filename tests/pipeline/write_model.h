// Models for tests, without the proof that an export comes with.
#pragma once

#include <filesystem>

#include <gmock/gmock.h>

#include "wakebuilder/core/file.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/pipeline/load.h"

#include "support/matchers.h"

namespace wakebuilder::test {

/// Writes the model of a network; returns the path.
inline std::filesystem::path write_model(const pipeline::LoadedNetwork& network,
                                         const std::filesystem::path& path,
                                         const pipeline::ExportOptions& options = {}) {
  const auto model = pipeline::build_model(network, options);
  EXPECT_THAT(model, IsOk());
  EXPECT_THAT(core::write_file(path, onnx::serialize(*model)), IsOk());
  return path;
}

/// The same from a file of tests/data: "compact/computer.pt".
inline std::filesystem::path write_model(const std::string& checkpoint,
                                         const std::filesystem::path& path,
                                         const pipeline::ExportOptions& options = {}) {
  const auto network =
      pipeline::load_network(std::filesystem::path(WAKEBUILDER_TEST_DATA) / checkpoint);
  EXPECT_THAT(network, IsOk());
  return write_model(*network, path, options);
}

}  // namespace wakebuilder::test
