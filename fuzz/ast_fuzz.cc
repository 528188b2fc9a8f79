// An AST from anywhere: the text of config.json, a zero byte, then safetensors bytes. What loads
// becomes a graph.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/model/network.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/write.h"

namespace {

using namespace wakebuilder;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Graphs have nodes for each layer; their weights are no larger than the input.
constexpr std::int64_t kMostLayers = 8;

void check_graph(model::AstClassifier classifier) {
  if (classifier.config.num_hidden_layers > kMostLayers) return;
  const model::Network network = std::move(classifier);
  const auto options = model::resolve(network, {});
  require(options.has_value());
  const auto proto = onnx::build(model::fold(network), *options, onnx::kDefaultOpset);
  require(onnx::check_model(proto, "").findings.empty());
  require(onnx::serialize(proto).size() == onnx::serialized_size(proto));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* end = data + size;
  const auto* zero = std::find(data, end, std::uint8_t{0});
  std::optional<model::AstConfig> config;
  const std::string_view json(reinterpret_cast<const char*>(data),
                              static_cast<std::size_t>(zero - data));
  if (!json.empty()) {  // without one, sizes are told by the tensors
    const auto parsed = model::parse_ast_config(json);
    if (!parsed) {
      require(!parsed.error().message.empty());
      return 0;
    }
    config = *parsed;
  }
  if (zero == end) return 0;
  const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(zero + 1, end);
  const auto file = checkpoint::read(std::as_bytes(std::span(*bytes)), bytes);
  if (!file) return 0;
  const auto state = checkpoint::find_state_dict(*file);
  if (!state) return 0;
  static_cast<void>(model::load_ast(state->tensors, config));
  auto whole = model::load_ast_classifier(state->tensors, state->metadata, config);
  if (!whole) {
    require(!whole.error().message.empty());
    return 0;
  }
  check_graph(*std::move(whole));
  return 0;
}
