// From model files to a detector.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/runtime/detector.h"

namespace wakebuilder::pipeline {

/// A model to listen with.
struct ListenTarget {
  std::string name;            ///< in detections; "" takes the file's: "jarvis" of jarvis.onnx
  std::filesystem::path file;  ///< .onnx, of a window or of a stream
};

struct ListenOptions {
  runtime::WakeOverrides overrides{};
  runtime::DetectorOptions detector{};
  runtime::SessionOptions session{};
  /// Compact networks listen as streams, made in memory, which costs a tenth. False: each window
  /// is computed anew, as the file has it.
  bool streams = true;
  std::filesystem::path onnxruntime{};
};

/// How a model listens.
struct ListenMode {
  std::string model;
  bool stream = false;
  std::string remark;  ///< a sentence that the user should read, or ""
};

/// What computes a session, when providers were asked for.
struct ProviderReport {
  std::vector<std::string> models;
  std::vector<runtime::Placement> placements;  ///< nodes of each provider, most first
  std::vector<std::string> fallbacks;          ///< "cuda: not used: ..."
};

struct Listening {
  runtime::Detector detector;
  std::vector<ListenMode> modes;
  std::vector<ProviderReport> providers;
};

/// Opens models to listen on one stream of sound. Compact networks of this library become streams;
/// those with the same backbone share it in one graph. All others, also from elsewhere, are run
/// window by window as they are.
///
/// Errors, with the file's name in front: kInvalidArgument for no model, or one name given twice;
/// those of onnx::read_model, runtime::understand and runtime::Session::open; kUnavailable without
/// ONNX Runtime.
Result<Listening> listen(std::span<const ListenTarget> targets, const ListenOptions& options = {});

}  // namespace wakebuilder::pipeline
