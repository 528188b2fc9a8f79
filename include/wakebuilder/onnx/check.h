// Judges a model: is it sound by the ONNX specification?
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "wakebuilder/core/finding.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// What was found, and who looked. The model is sound as far as the judges can tell when
/// core::passes(findings).
struct CheckReport {
  std::vector<core::Finding> findings;

  /// "structure" always; "ONNX checker 1.12.0" when the linked library knows the model's opset, IR
  /// version and element types and so could judge operators, attributes, types and shapes too.
  std::vector<std::string> judges;
};

/// All findings are listed up to this many; then one more says how many were left out.
inline constexpr std::size_t kMaxFindings = 1000;

/// Checks the structure alone: versions and imports, names, order of the nodes and cycles, scopes
/// of subgraphs, functions, attribute types, and of every tensor its element type, shape and exact
/// amount of data, inside the file or beside it. Never runs the ONNX library.
///
/// @param folder  where the model lies, for external data; "" is the current folder
CheckReport check_structure(const ModelProto& model, const std::filesystem::path& folder);

/// check_structure(), and, when that finds no error and the library is new enough, the ONNX
/// library's checker and strict shape inference. The library gets the model without its large
/// weights: it needs their types only, and the structure check has measured their data.
CheckReport check_model(const ModelProto& model, const std::filesystem::path& folder);

/// Loads the ONNX library's operators, which the first check_model() does otherwise. It takes 10
/// ms: a program may do it beside something else. Thread-safe.
void load_operators();

/// Types and shapes of the values inside the main graph, as the ONNX library infers them; only what
/// the graph states itself where the library cannot judge the model. For display.
/// @pre check_structure() found no error
std::vector<ValueInfoProto> infer_types(const ModelProto& model,
                                        const std::filesystem::path& folder = {});

}  // namespace wakebuilder::onnx
