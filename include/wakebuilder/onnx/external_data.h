// Weights in a file beside the model ("external data").
//
// A tensor with data_location EXTERNAL names its bytes by external_data entries: `location`, a path
// relative to the model's folder; `offset` (default 0) and `length` (default: what the shape
// needs), as decimal numbers. Source: "External Data", ONNX repository, docs/ExternalData.md.
//
// A location is input from outside. It is followed only to a regular file inside the folder: no
// absolute path, no "..", no symbolic link that leads out, no file with a second name (hard link),
// as ONNX 1.21 rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// The external files of one model; each is mapped once. Not thread-safe.
class ExternalData {
 public:
  /// @param folder  the model's; "" is the current folder
  explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The bytes of a tensor with data_location EXTERNAL.
  ///
  /// Errors: kCorrupt when location, offset or length are missing, malformed, lead outside the
  /// folder or the file, or differ from what element type and shape need; kNotFound when the file
  /// is not there; kIo when the machine refuses.
  Result<Blob> bytes(const TensorProto& tensor);

 private:
  using File = std::shared_ptr<const core::MappedFile>;
  Result<File> open(const std::string& location);

  std::filesystem::path folder_;
  std::map<std::string, Result<File>, std::less<>> files_;
};

/// ExternalData for a single tensor.
Result<Blob> external_bytes(const TensorProto& tensor, const std::filesystem::path& folder);

/// Where move_weights_out() begins each tensor: multiples of a page, so that readers can map them
/// (docs/ExternalData.md recommends it).
inline constexpr std::size_t kExternalAlignment = 4096;

/// Moves the raw data of the graph's initializers out of a model.
///
/// @param data       gets the bytes, in the order of the initializers; the caller publishes it
/// @param location   the name of `data`'s target as the model will state it: a file name, no folder
/// @param min_bytes  smaller tensors stay inside
/// @return the model with references in place of the moved data
///
/// Errors: kInvalidArgument for a location that no reader would follow, kIo as StagedFile::write.
Result<ModelProto> move_weights_out(ModelProto model, core::StagedFile& data,
                                    const std::string& location, std::size_t min_bytes = 1024);

}  // namespace wakebuilder::onnx
