// From a file to a network.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/model/network.h"

namespace wakebuilder::pipeline {

/// A network and the file that it came from.
struct LoadedNetwork {
  model::Network network;
  checkpoint::Format format = checkpoint::Format::kPyTorchZip;
  std::string sha256;  ///< of the whole file
  /// The files that the weights lie in. After a walk through all of them release_pages() gives the
  /// memory back.
  std::vector<std::shared_ptr<const core::MappedFile>> files;
  std::string base_sha256;      ///< of the backbone's file, if it is another
  bool holds_backbone = false;  ///< the checkpoint has an AST beside its head
};

struct LoadOptions {
  /// "head", "compact" or "ast"; "" is what the checkpoint holds. Of a whole model of WakeBuilder
  /// that is the head; "ast" takes the backbone too.
  std::string graph{};
  /// The backbone of a head, for the graph ast: a file, or a folder as transformers writes it
  /// (model.safetensors or pytorch_model.bin, config.json, preprocessor_config.json).
  std::filesystem::path base{};
};

/// Reads a checkpoint, finds its state dict and builds the network; the weights stay mapped.
/// Without a wake word in the file its name serves. An AST's config.json and
/// preprocessor_config.json are looked for beside its weights. Errors: those of checkpoint::read,
/// checkpoint::find_state_dict, model::load_network and model::load_ast, with the file's name in
/// front; kInvalidArgument when the checkpoint holds another graph than `graph`, or a head for
/// which there is no base.
Result<LoadedNetwork> load_network(const std::filesystem::path& checkpoint,
                                   const LoadOptions& options = {});

}  // namespace wakebuilder::pipeline
