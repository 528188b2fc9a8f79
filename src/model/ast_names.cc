// Three spellings are in use (reference: transformers' conversion of 5.9, the original's
// ast_models.py):
//
//   in files                             in memory from 5.9 on     original
//   encoder.layer.N.attention.attention  layers.N.attention        v.blocks.N.attn.qkv
//     .{query,key,value}                   .{q,k,v}_proj             (all three in one)
//   encoder.layer.N.attention.output.dense  ...attention.o_proj    v.blocks.N.attn.proj
//   encoder.layer.N.intermediate.dense   layers.N.mlp.fc1          v.blocks.N.mlp.fc1
//   encoder.layer.N.output.dense         layers.N.mlp.fc2          v.blocks.N.mlp.fc2
//   encoder.layer.N.layernorm_before     the same                  v.blocks.N.norm1
//   encoder.layer.N.layernorm_after      the same                  v.blocks.N.norm2

#include "model/ast_names.h"

#include <array>
#include <cctype>
#include <optional>
#include <string_view>

namespace wakebuilder::model {
namespace {

using core::Tensor;
using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<std::string_view, 4> kPrefixes = {"module.", "_orig_mod.", "base_model.",
                                                       "audio_spectrogram_transformer."};

constexpr std::array kLayerFolders = {std::string_view("encoder.layer."),
                                      std::string_view("layers."), std::string_view("v.blocks.")};

/// Within a layer.
constexpr std::array<Pair, 10> kLayerNames = {{
    {"attention.q_proj.", "attention.attention.query."},
    {"attention.k_proj.", "attention.attention.key."},
    {"attention.v_proj.", "attention.attention.value."},
    {"attention.o_proj.", "attention.output.dense."},
    {"mlp.fc1.", "intermediate.dense."},
    {"mlp.fc2.", "output.dense."},
    {"attn.qkv.", "attn.qkv."},
    {"attn.proj.", "attention.output.dense."},
    {"norm1.", "layernorm_before."},
    {"norm2.", "layernorm_after."},
}};

/// Outside of the layers.
constexpr std::array<Pair, 7> kOtherNames = {{
    {"v.cls_token", "embeddings.cls_token"},
    {"v.dist_token", "embeddings.distillation_token"},
    {"v.pos_embed", "embeddings.position_embeddings"},
    {"v.patch_embed.proj.", "embeddings.patch_embeddings.projection."},
    {"v.norm.", "layernorm."},
    {"mlp_head.0.", "classifier.layernorm."},
    {"mlp_head.1.", "classifier.dense."},
}};

std::string_view without_prefixes(std::string_view name) {
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view prefix : kPrefixes) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      found = true;
    }
  }
  return name;
}

template <std::size_t N>
std::string renamed(std::string_view name, const std::array<Pair, N>& names) {
  for (const auto& [from, to] : names) {
    if (name.starts_with(from)) return std::string(to) + std::string(name.substr(from.size()));
  }
  return std::string(name);
}

/// "layers.3.mlp.fc1.bias" -> "encoder.layer.3." and "mlp.fc1.bias"; nothing outside of layers.
std::optional<std::pair<std::string, std::string_view>> split_layer(std::string_view name) {
  for (const std::string_view folder : kLayerFolders) {
    if (!name.starts_with(folder)) continue;
    std::string_view rest = name.substr(folder.size());
    std::size_t digits = 0;
    while (digits < rest.size() && std::isdigit(static_cast<unsigned char>(rest[digits])) != 0)
      ++digits;
    if (digits == 0 || digits >= rest.size() || rest[digits] != '.') return std::nullopt;
    return std::pair("encoder.layer." + std::string(rest.substr(0, digits)) + ".",
                     rest.substr(digits + 1));
  }
  return std::nullopt;
}

/// Query, key and value are thirds of the first axis.
void add_thirds(const std::string& layer, const std::string& part, const Tensor& tensor,
                NamedTensors& result) {
  core::Shape shape = tensor.shape();
  if (shape.empty() || shape[0] % 3 != 0) {
    result.emplace_back(layer + "attn.qkv." + part, tensor);
    return;
  }
  shape[0] /= 3;
  const auto owner = std::make_shared<const Tensor>(tensor);
  const std::size_t size = owner->bytes().size() / 3;
  constexpr std::array kNames = {"query", "key", "value"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    result.emplace_back(
        layer + "attention.attention." + kNames.at(i) + "." + part,
        Tensor::view(tensor.dtype(), shape, owner->bytes().subspan(i * size, size), owner));
  }
}

}  // namespace

NamedTensors with_ast_file_names(const NamedTensors& tensors) {
  constexpr std::string_view kFused = "attn.qkv.";
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    const std::string_view bare = without_prefixes(name);
    const bool is_unused = bare.starts_with("v.head.") || bare.starts_with("v.head_dist.");
    if (is_unused) continue;  // classifiers of the vision model that the original began with
    const auto layer = split_layer(bare);
    if (!layer) {
      result.emplace_back(renamed(bare, kOtherNames), tensor);
    } else if (layer->second.starts_with(kFused)) {
      add_thirds(layer->first, std::string(layer->second.substr(kFused.size())), tensor, result);
    } else {
      result.emplace_back(layer->first + renamed(layer->second, kLayerNames), tensor);
    }
  }
  return result;
}

}  // namespace wakebuilder::model
