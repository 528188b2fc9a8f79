// A model file from anywhere: read, checked, shown, written and read again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/print.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/svg.h"
#include "wakebuilder/onnx/write.h"

namespace {

namespace onnx = wakebuilder::onnx;

void require(bool condition) {
  if (!condition) std::abort();
}

/// What is written must read back as the same model.
void check_round_trip(const onnx::ModelProto& model) {
  const std::string bytes = onnx::serialize(model);
  require(bytes.size() == onnx::serialized_size(model));
  const auto again = onnx::parse_model(std::as_bytes(std::span(bytes)), nullptr);
  require(again.has_value());
  require(onnx::serialize(*again) == bytes);
  if (model.graph)
    require(onnx::printable_graph(*again->graph) == onnx::printable_graph(*model.graph));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto model = onnx::parse_model(std::as_bytes(std::span(data, size)), nullptr);
  if (!model) {
    require(!model.error().message.empty());
    return 0;
  }
  // The ONNX library takes a process of its own: it judges a few of the inputs.
  const bool ask_library = size % 32 == 0;
  const std::filesystem::path folder = "/nonexistent";
  const auto report =
      ask_library ? onnx::check_model(*model, folder) : onnx::check_structure(*model, folder);
  for (const auto& finding : report.findings)
    require(!finding.where.empty() && !finding.message.empty());
  if (model->graph) onnx::count_operators(*model->graph);
  // Layout takes its time too.
  if (model->graph && size % 4 == 1) require(onnx::to_svg(*model->graph).ends_with("</svg>\n"));
  check_round_trip(*model);
  return 0;
}
