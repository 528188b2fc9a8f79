// The C++ API: listen for wake words in a recording.
#include <iostream>
#include <string>
#include <vector>

#include "wakebuilder/audio/source.h"
#include "wakebuilder/pipeline/listen.h"

namespace audio = wakebuilder::audio;
namespace pipeline = wakebuilder::pipeline;
namespace runtime = wakebuilder::runtime;
using wakebuilder::Result;

namespace {

void print(const runtime::Detector& detector, const std::vector<runtime::Detection>& detections) {
  for (const auto& detection : detections) {
    std::cout << detection.time_s << " s  " << detector.words()[detection.word].wake_word
              << "  score " << detection.score << "\n";
  }
}

/// Whatever sound there is, piece by piece, and the end of it.
Result<void> listen(runtime::Detector& detector, audio::SoundSource& source) {
  while (true) {
    WAKEBUILDER_TRY(const auto samples, source.next());
    if (samples.empty()) break;
    WAKEBUILDER_TRY(const auto detections, detector.push(samples));
    print(detector, detections);
  }
  WAKEBUILDER_TRY(const auto detections, detector.finish());
  print(detector, detections);
  return {};
}

Result<void> example(const std::string& model, const std::string& recording) {
  const pipeline::ListenTarget target{.name = "", .file = model};
  WAKEBUILDER_TRY(auto listening, pipeline::listen({&target, 1}));
  WAKEBUILDER_TRY(const auto source, audio::open_recording(recording));
  return listen(listening.detector, *source);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_detect MODEL.onnx RECORDING.wav\n";
    return 2;
  }
  const auto done = example(argv[1], argv[2]);
  if (done) return 0;
  std::cerr << "example_detect: " << done.error().message << "\n";
  return 1;
}
