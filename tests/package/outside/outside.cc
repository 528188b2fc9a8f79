// Calls the installed library: an export of a checkpoint that is not there fails with a sentence,
// and flite's voices, which are linked, are there.
#include <cstdio>

#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/speech/installed_voices.h"

int main() {
  const auto report = wakebuilder::pipeline::export_onnx("absent.pt", "absent.onnx");
  if (report || report.error().code != wakebuilder::ErrorCode::kNotFound) return 1;
  const auto voices = wakebuilder::speech::installed_voices({.use_espeak = false});
  if (!voices) return 1;
  std::printf("%s\n", report.error().message.c_str());
  return 0;
}
