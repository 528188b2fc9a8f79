#include "cli/show.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

pipeline::Validation validation() {
  pipeline::Validation validation;
  validation.passed = true;
  validation.reference = "reference interpreter (float64)";
  validation.batches = {
      {.batch = 1,
       .difference = {.max_abs_diff = 4.7e-7, .max_rel_diff = 1.2e-6, .max_scaled_diff = 4.7e-7},
       .decision_flips = 0},
      {.batch = 7,
       .difference = {.max_abs_diff = 5e-7, .max_rel_diff = 2e-6, .max_scaled_diff = 5e-7},
       .decision_flips = 3},
  };
  return validation;
}

TEST(Show, TellsWhatAnExportMadeAndTheProof) {
  pipeline::ExportReport report;
  report.graph = "head";
  report.output = "models/custom/jarvis/jarvis.onnx";
  report.opset = 17;
  report.bytes = 9221000;
  report.folded = true;
  report.sha256 = "0123abcd";
  report.parameters = 2304578;
  report.nodes = 31;
  report.judges = {"structure", "ONNX Runtime 1.30.0"};
  report.validation = validation();
  report.seconds = 0.125;
  EXPECT_EQ(show(report),
            "models/custom/jarvis/jarvis.onnx\n"
            "  graph         head, opset 17, folded, 31 nodes, 2,304,578 parameters\n"
            "  size          9.2 MB\n"
            "  checked by    structure, ONNX Runtime 1.30.0\n"
            "  compared with reference interpreter (float64), atol 1e-05: passed\n"
            "                batch  max |diff|  max rel  flips\n"
            "                    1     4.7e-07  1.2e-06      0\n"
            "                    7       5e-07    2e-06      3\n"
            "  sha256        0123abcd\n"
            "  took          0.12 s\n");
}

TEST(Show, ComparesModelsAtRatesOfFalseAccepts) {
  pipeline::EvaluateReport report;
  report.positives = 40;
  report.negatives = 7;
  report.negative_hours = 1.5;
  report.snr_db = 10;
  pipeline::ModelEvaluation model;
  model.model = "jarvis";
  model.points = {{.wanted_per_hour = 0.5, .per_hour = 0, .threshold = 0.75, .miss_rate = 0.125}};
  model.auc = 0.99;
  model.eer = 0.03;
  model.false_accepts = {{.file = "other/a.wav", .time_s = 2.5, .score = 0.875}};
  report.models = {model};
  EXPECT_EQ(show(report),
            "40 positives, 1.50 h of negatives in 7 clips, noise at 10 dB\n"
            "miss rate in % at false accepts per hour\n"
            "  model   0.5/h     AUC  EER %\n"
            "  jarvis   12.5  0.9900    3.0\n"
            "jarvis\n"
            "  folder  clips  hours  0.5/h  of\n"
            "  thresholds: 0.750000 (0.5/h)\n"
            "  highest false accepts (1):\n"
            "    0.8750  other/a.wav at 2.50 s\n");
}

TEST(Show, NamesTheFileOfTheWeightsAndRemarks) {
  pipeline::ExportReport report;
  report.external_data = "jarvis.data";
  report.findings = {{core::Severity::kWarning, "graph", "a remark"}};
  EXPECT_THAT(show(report), HasSubstr("with jarvis.data\n"));
  EXPECT_THAT(show(report), HasSubstr("not folded"));
  EXPECT_THAT(show(report), HasSubstr("\n  warning: graph: a remark\n"));
}

TEST(Show, TellsWhyAModelIsNotValid) {
  pipeline::ValidateReport report;
  report.valid = false;
  report.judges = {"structure"};
  report.findings = {{core::Severity::kError, "node fc", "writes a value twice"}};
  EXPECT_EQ(show(report, "a.onnx"),
            "a.onnx: NOT VALID\n"
            "  checked by    structure\n"
            "  error: node fc: writes a value twice\n");
}

TEST(Show, ListsTheLayersThatWereCompared) {
  pipeline::ValidateReport report;
  report.valid = true;
  report.validations = {validation()};
  report.validations[0].passed = false;
  report.validations[0].layers = {{.layer = "se_block", .max_abs_diff = 0.25}};
  EXPECT_THAT(show(report, "a.onnx"), HasSubstr("a.onnx: valid\n"));
  EXPECT_THAT(show(report, "a.onnx"), HasSubstr(", atol 1e-05: FAILED\n"));
  EXPECT_THAT(show(report, "a.onnx"), HasSubstr("                layer     max |diff|\n"
                                                "                se_block        0.25\n"));
}

pipeline::Inspection inspection_of_a_model() {
  pipeline::Inspection inspection;
  inspection.format = "ONNX";
  inspection.bytes = 1500;
  inspection.tensors = {{.name = "fc.weight", .dtype = "float", .shape = {2, 16}}};
  inspection.metadata = core::Dict{{"wake_word", "jarvis"}, {"threshold", "0.5"}};
  inspection.parameters = 32;
  inspection.opset = 17;
  inspection.ir_version = 8;
  inspection.producer = "wakebuilder 0.1.0";
  inspection.inputs = {{.name = "embeddings", .dtype = "float", .shape = {"batch", "16"}}};
  inspection.outputs = {{.name = "logits", .dtype = "float", .shape = {"batch", "2"}}};
  inspection.nodes = 3;
  inspection.operators = {{"Gemm", 2}, {"Relu", 1}};
  inspection.graph_text = "graph head (...)\n";
  return inspection;
}

TEST(Show, ListsWhatIsInAModel) {
  EXPECT_EQ(show(inspection_of_a_model(), "a.onnx", false),
            "a.onnx\n"
            "  format        ONNX, 1.5 kB\n"
            "  parameters    32 in 1 tensors\n"
            "  opset         17, IR version 8\n"
            "  producer      wakebuilder 0.1.0\n"
            "  input         embeddings float [batch, 16]\n"
            "  output        logits float [batch, 2]\n"
            "  nodes         3: 2 Gemm, 1 Relu\n"
            "\n"
            "  metadata\n"
            "  wake_word  jarvis\n"
            "  threshold  0.5\n"
            "\n"
            "  tensor     dtype  shape\n"
            "  fc.weight  float  [2, 16]\n");
}

TEST(Show, PrintsTheGraphInPlaceOfTheTensors) {
  const std::string text = show(inspection_of_a_model(), "a.onnx", true);
  EXPECT_THAT(text, HasSubstr("\ngraph head (...)\n"));
  EXPECT_THAT(text, Not(HasSubstr("fc.weight")));
}

TEST(Show, EscapesWhatFilesSay) {
  pipeline::Inspection inspection = inspection_of_a_model();
  inspection.tensors[0].name = "fc\x1b[2J";
  inspection.metadata = core::Dict{{"wake\nword", "\x1b[31m"}};
  inspection.producer = "\x1b]0;title\x07";
  inspection.inputs[0].name = "in\rput";
  inspection.inputs[0].shape = {"\x1b"};
  inspection.operators = {{"Ge\x1bmm", 1}};
  const std::string text = show(inspection, "a.onnx", false);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_THAT(text, HasSubstr(R"(fc\x1b[2J)"));
  EXPECT_THAT(text, HasSubstr(R"(wake\nword  \x1b[31m)"));
}

TEST(Show, TellsWhatAConversionWrote) {
  EXPECT_EQ(show(pipeline::ConvertReport{.output = "a.safetensors", .tensors = 12, .bytes = 2000}),
            "a.safetensors\n"
            "  holds         12 tensors, 2.0 kB\n"
            "  checked       reads back the same, value by value\n");
}

TEST(Show, ListsTheModelsAndTheirProblems) {
  pipeline::RegistrySummary jarvis;
  jarvis.entry.name = "jarvis";
  jarvis.entry.category = "custom";
  jarvis.entry.has_checkpoint = true;
  jarvis.wake_word = "Jarvis";
  jarvis.threshold = 0.5;
  jarvis.checkpoint_bytes = 928000;
  pipeline::RegistrySummary broken;
  broken.entry.name = "broken";
  broken.entry.category = "default";
  broken.entry.has_onnx = true;
  broken.onnx_bytes = 10;
  broken.problem = "broken.json: not valid JSON";
  EXPECT_EQ(show({jarvis, broken}, "models"),
            "name    wake word  kind     threshold  checkpoint  onnx\n"
            "jarvis  Jarvis     custom       0.500    928.0 kB     -\n"
            "broken             default          -           -  10 B\n"
            "warning: broken.json: not valid JSON\n");
  EXPECT_EQ(show(std::vector<pipeline::RegistrySummary>{}, "models"), "models: no models\n");
}

TEST(Show, ListsProvidersWithTheirReasons) {
  EXPECT_EQ(show({.version = "1.30.0",
                  .library = "/lib/libonnxruntime.so.1",
                  .providers = {{.name = "cpu", .ort_name = {}, .available = true},
                                {.name = "cuda", .ort_name = {}, .reason = "no driver"}}}),
            "ONNX Runtime 1.30.0, /lib/libonnxruntime.so.1\n"
            "  provider  available  reason\n"
            "  cpu       yes\n"
            "  cuda      no         no driver\n");
}

pipeline::BenchReport bench_report() {
  pipeline::BenchReport report;
  report.rows = {{.model = "jarvis",
                  .precision = "float32",
                  .provider = "cpu",
                  .threads = 1,
                  .batch = 8,
                  .runs = 1024,
                  .median_us = 812.4,
                  .p99_us = 930.6,
                  .cpu_us = 815,
                  .stable = true,
                  .rss_bytes = 38'400'000}};
  report.live = {.stream = true,
                 .provider = "cpu",
                 .first_score_ms = 41.6,
                 .ms_per_second_of_audio = 4,
                 .cpu_ms_per_s = 4.128,
                 .real_time = 250,
                 .stable = true,
                 .rss_bytes = 40'000'000};
  return report;
}

TEST(Show, TellsWhatAModelTakes) {
  EXPECT_EQ(
      show(bench_report()),
      "model   precision  provider  threads  batch  median us  p99 us  processor us   memory\n"
      "jarvis  float32    cpu             1      8        812     931           815  38.4 MB\n"
      "listening as a stream, one thread, cpu: 4.00 ms per second of sound (processor 4.13 ms), "
      "250 times real time, first score after 42 ms, 40.0 MB\n");
}

TEST(Show, SaysWhatMakesABenchLessSure) {
  auto report = bench_report();
  report.live->stable = false;
  report.fallbacks = {"cuda: not used: this is no GPU"};
  EXPECT_THAT(show(report), HasSubstr("warning: cuda: not used: this is no GPU\n"));
  EXPECT_THAT(show(report), HasSubstr("remark: not all medians came to rest"));
  report = bench_report();
  report.live.reset();
  EXPECT_THAT(show(report), Not(HasSubstr("listening")));
  EXPECT_THAT(show(report), Not(HasSubstr("remark")));
  report.rows[0].stable = false;
  EXPECT_THAT(show(report), HasSubstr("remark: not all medians came to rest"));
}

}  // namespace
}  // namespace wakebuilder::cli
