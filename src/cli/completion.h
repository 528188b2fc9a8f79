// Shell completion, made from the program's own verbs and options.
#pragma once

#include <string>
#include <vector>

namespace wakebuilder::cli {

struct CompletionVerb {
  std::string name;
  std::vector<std::string> options;  ///< "--opset"
};

/// A script for bash: completes verbs, the options of each, files, and after --model the names in
/// the registry.
std::string bash_completion(const std::vector<CompletionVerb>& verbs);

}  // namespace wakebuilder::cli
