// The pretrained speech embedding, from the file that its authors' model is published in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/model/speech_embedding.h"

namespace wakebuilder::pipeline {

struct BackboneReport {
  std::filesystem::path output;
  std::size_t tensors = 0;
  std::size_t parameters = 0;
  std::uint64_t bytes = 0;
  std::string source_sha256;  ///< of the .onnx
  std::string compared_with;  ///< "ONNX Runtime 1.30.0"
  /// Largest |ours - original| / max(1, |original|) over the tokens of a person's word, a chirp,
  /// noise and silence. Embeddings reach 45.
  double max_scaled_diff = 0;
};

/// The tolerance of the comparison.
inline constexpr double kBackboneTolerance = 2e-5;

/// Takes the weights of `embedding_model.onnx` (Google's speech_embedding as openwakeword has it),
/// by name and with our own reader, to `output`, a safetensors file with the names `conv_0.weight`,
/// ... (docs/formats/compact.md). The first batch norm becomes a scale and a shift. Our forward
/// pass is compared with ONNX Runtime on the original before the file takes its place.
///
/// Errors: those of onnx::read_model; kMismatch for a model that is another (names the first weight
/// that is missing or has another shape); kInvalidArgument for an output that is there and no
/// safetensors file, unless `force`; kCheckFailed when the two differ; kUnavailable without ONNX
/// Runtime.
Result<BackboneReport> import_backbone(const std::filesystem::path& input,
                                       const std::filesystem::path& output, bool force = false,
                                       const std::filesystem::path& onnxruntime = {});

/// Where the embedding is: `wanted`, else $WAKEBUILDER_BACKBONE, else share/speech-embedding beside
/// this program's folder or where scripts/setup.sh put it. Errors: kUnavailable when it is at none
/// of these places.
Result<std::filesystem::path> find_backbone(const std::filesystem::path& wanted = {});

/// Reads what import_backbone() wrote, or the .onnx itself. Errors: those of checkpoint::read and
/// model::load_speech_embedding, with the file's name in front.
Result<model::SpeechEmbedding<model::Parameter>> load_backbone(const std::filesystem::path& file);

}  // namespace wakebuilder::pipeline
