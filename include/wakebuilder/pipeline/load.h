// From a file to a network.
#pragma once

#include <filesystem>
#include <string>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/model/network.h"

namespace wakebuilder::pipeline {

/// A network and the file that it came from.
struct LoadedNetwork {
  model::Network network;
  checkpoint::Format format = checkpoint::Format::kPyTorchZip;
  std::string sha256;  ///< of the whole file
};

/// Reads a checkpoint, finds its state dict and builds the network, of whatever architecture it is;
/// the weights stay mapped. Without a wake word in the file its name serves.
/// Errors: those of checkpoint::read, checkpoint::find_state_dict and model::load_network, with the
/// file's name in front.
Result<LoadedNetwork> load_network(const std::filesystem::path& checkpoint);

}  // namespace wakebuilder::pipeline
