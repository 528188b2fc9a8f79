// Calls the installed library: an export of a checkpoint that is not there fails with a sentence.
#include <cstdio>

#include "wakebuilder/pipeline/export.h"

int main() {
  const auto report = wakebuilder::pipeline::export_onnx("absent.pt", "absent.onnx");
  if (report || report.error().code != wakebuilder::ErrorCode::kNotFound) return 1;
  std::printf("%s\n", report.error().message.c_str());
  return 0;
}
