#include "wakebuilder/pipeline/training_files.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/json.h"

#include "pipeline/readable.h"
#include "pipeline/training_plots.h"

namespace wakebuilder::pipeline {
namespace {

using core::Value;
using testing::HasSubstr;
using testing::Not;

TrainingRecord finished() {
  TrainingRecord record;
  record.name = "hey_jarvis";
  record.wake_word = "hey jarvis";
  record.phonemes = "HH EY JH AA R V AH S";
  record.created_at = "2026-11-25T20:38:12Z";
  record.seed = 7;
  record.version = "0.1.0";
  record.parameters = 172034;
  record.total_parameters = 502000;
  record.seconds = 252;
  record.stages = {{"speech", 120}, {"windows", 60}, {"head", 40}, {"threshold", 30}};
  record.data = {.words = 2200,
                 .phrases = 500,
                 .near_words = 3400,
                 .isolated = 12000,
                 .running = 4500,
                 .recordings = 2,
                 .negatives_hours = 1.5,
                 .positive_windows = 6500,
                 .negative_windows = 9884,
                 .validation_windows = 2048,
                 .failed = 3};
  record.recordings = {"said/one.wav", "said/two.wav"};
  for (int i = 1; i <= 20; ++i) {
    const double decay = std::exp(-i / 5.0);
    record.history.push_back({.step = 20 * i,
                              .rate = 1.5e-3 * (1 - i / 21.0),
                              .train_loss = 0.2 + 0.5 * decay,
                              .train_accuracy = 0.98 - 0.4 * decay,
                              .validation_loss = 0.22 + 0.45 * decay + 0.01 * (i % 3),
                              .validation_accuracy = 0.97 - 0.4 * decay,
                              .validation_f1 = 0.96 - 0.5 * decay,
                              .validation_recall = 0.95 - 0.6 * decay,
                              .validation_false_accepts = std::round(20 + 200 * decay)});
  }
  record.steps = 400;
  record.threshold = 0.73;
  record.negative_hours = 8;
  for (int i = 1; i < 100; ++i) {
    const double threshold = i / 100.0;
    const double missed = 0.005 + 0.2 * std::pow(threshold, 6);
    record.threshold_analysis.push_back(
        {.threshold = threshold,
         .false_accepts_per_hour = std::floor(8 * 60 * std::exp(-7 * threshold)) / 8,
         .far = 0.1 * std::exp(-7 * threshold),
         .frr = missed,
         .accuracy = 0.98,
         .precision = 0.99,
         .recall = 1 - missed,
         .f1 = 0.985});
  }
  for (int i = 0; i < 400; ++i) {
    record.positive_scores.push_back(1 - std::pow(i / 400.0, 8));
    record.negative_scores.push_back(std::pow(i / 400.0, 12));
  }
  for (int i = 0; i < 30; ++i) {
    record.confused.push_back({"hey service " + std::to_string(i), "flite rms", 0.8 - i / 50.0});
    record.missed.push_back({"hey jarvis", "espeak en-us+m3", 0.1 + i / 40.0});
  }
  record.has_onnx = true;
  record.onnx_bytes = 2104512;
  record.onnx_max_abs_diff = 3.1e-6;
  return record;
}

/// What xmllint would say, as far as our own pages can be wrong: every tag is closed by its own,
/// every & begins an entity of XML, attributes are quoted and come once, no raw < is anywhere.
class XmlReader {
 public:
  explicit XmlReader(const std::string& text) : text_(text) {}

  /// "" when it is well-formed, else what is wrong first.
  std::string fault() {
    while (at_ < text_.size() && fault_.empty()) {
      if (text_[at_] == '<') {
        read_tag();
      } else {
        read_text();
      }
    }
    if (fault_.empty() && !open_.empty()) fault_ = "<" + open_.back() + "> is not closed";
    return fault_;
  }

 private:
  void read_text() {
    const std::size_t end = std::min(text_.find('<', at_), text_.size());
    check_entities(text_.substr(at_, end - at_));
    at_ = end;
  }

  void check_entities(const std::string& text) {
    for (std::size_t i = text.find('&'); i != std::string::npos; i = text.find('&', i + 1)) {
      const std::string entity = text.substr(i, text.find(';', i) - i + 1);
      const std::vector<std::string> known = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
      if (std::find(known.begin(), known.end(), entity) == known.end())
        fault_ = "unknown entity " + text.substr(i, 10);
    }
    for (const char c : text)
      if (static_cast<unsigned char>(c) < 0x20 && c != '\n') fault_ = "control character";
  }

  void read_tag() {
    const std::size_t end = text_.find('>', at_);
    if (end == std::string::npos) {
      fault_ = "a tag without end";
      return;
    }
    std::string tag = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (tag == "!DOCTYPE html") return;
    if (tag.starts_with('/')) return close(tag.substr(1));
    const bool is_empty = tag.ends_with('/');
    if (is_empty) tag.pop_back();
    const std::string name = tag.substr(0, tag.find(' '));
    check_attributes(tag.substr(name.size()));
    if (!is_empty) open_.push_back(name);
  }

  void close(const std::string& name) {
    if (open_.empty() || open_.back() != name) {
      fault_ = "</" + name + "> closes nothing";
      return;
    }
    open_.pop_back();
  }

  void check_attributes(std::string rest) {
    std::vector<std::string> names;
    while (!rest.empty() && fault_.empty()) {
      const std::size_t equals = rest.find("=\"");
      const std::size_t end = equals == std::string::npos ? equals : rest.find('"', equals + 2);
      if (rest[0] != ' ' || end == std::string::npos) {
        fault_ = "attributes: " + rest;
        return;
      }
      const std::string name = rest.substr(1, equals - 1);
      if (std::find(names.begin(), names.end(), name) != names.end()) fault_ = name + " twice";
      names.push_back(name);
      const std::string value = rest.substr(equals + 2, end - equals - 2);
      if (value.find('<') != std::string::npos) fault_ = "< in an attribute";
      check_entities(value);
      rest.erase(0, end + 1);
    }
  }

  const std::string& text_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
  std::string fault_;
};

std::string fault_in(const std::string& text) { return XmlReader(text).fault(); }

template <class... Keys>
double number_at(const Value& value, Keys... keys) {
  const Value* found = value.find(keys...);
  return found != nullptr && found->number() ? *found->number() : -1;
}

TEST(XmlReader, FindsWhatIsWrong) {
  EXPECT_EQ(fault_in("<p class=\"a\">1 &lt; 2<br/></p>"), "");
  EXPECT_EQ(fault_in("<p><b></p></b>"), "</p> closes nothing");
  EXPECT_EQ(fault_in("<p>"), "<p> is not closed");
  EXPECT_EQ(fault_in("AT&T"), "unknown entity &T");
  EXPECT_EQ(fault_in("<p x=\"1\" x=\"2\"></p>"), "x twice");
  EXPECT_EQ(fault_in("<p x=1></p>"), "attributes:  x=1");
}

// ---- NAME.json ----

TEST(TrainingMetadata, HasTheKeysOfWakeBuildersSources) {
  const Value metadata = to_metadata(finished());
  for (const char* key :
       {"wake_word", "threshold", "model_type", "embedding_dim", "classifier_hidden_dims",
        "use_attention", "sample_rate", "model_version", "base_model", "parameters",
        "total_parameters", "created_at", "metrics", "threshold_analysis", "training_config",
        "data_stats", "training_time_seconds"})
    EXPECT_NE(metadata.find(key), nullptr) << key;
  for (const char* key : {"best_val_loss", "val_accuracy", "val_f1"})
    EXPECT_NE(metadata.find("metrics")->find(key), nullptr) << key;
  for (const char* key : {"num_recordings", "num_positive_samples", "num_negative_samples",
                          "num_train_samples", "num_val_samples"})
    EXPECT_NE(metadata.find("data_stats")->find(key), nullptr) << key;
  for (const char* key : {"use_attention", "use_se_block", "use_tcn"})
    EXPECT_NE(metadata.find("training_config")->find(key), nullptr) << key;
}

TEST(TrainingMetadata, HasTheKeysOfWakeBuildersDocumentation) {
  const Value metadata = to_metadata(finished());
  for (const char* key :
       {"use_se_block", "use_tcn", "trainable_params", "recordings", "has_onnx", "onnx_size_bytes"})
    EXPECT_NE(metadata.find(key), nullptr) << key;
  for (const char* key : {"accuracy", "f1_score", "precision", "recall", "far", "frr"})
    EXPECT_NE(metadata.find("metrics")->find(key), nullptr) << key;
  for (const char* key : {"classifier_dims", "epochs_trained", "early_stopped"})
    EXPECT_NE(metadata.find("training_config")->find(key), nullptr) << key;
  for (const char* key : {"recordings", "positive_samples", "negative_samples", "hard_negatives",
                          "train_size", "val_size"})
    EXPECT_NE(metadata.find("data_stats")->find(key), nullptr) << key;
}

TEST(TrainingMetadata, SaysHowTheLastLayerWasCalibrated) {
  auto record = finished();
  record.calibration = {.scale = 2.5, .offset = -1.25};
  EXPECT_THAT(core::to_json(to_metadata(record)),
              HasSubstr(R"("calibration":{"scale":2.5,"offset":-1.25})"));
}

TEST(TrainingMetadata, SaysWhatTheModelIs) {
  const std::string json = core::to_json(to_metadata(finished()));
  EXPECT_THAT(json,
              HasSubstr(R"("wake_word":"hey jarvis","threshold":0.73,"model_type":"compact")"));
  EXPECT_THAT(json, HasSubstr(R"("embedding_dim":96,"classifier_hidden_dims":[256,128])"));
  EXPECT_THAT(json, HasSubstr(R"("sample_rate":16000)"));
  EXPECT_THAT(json, HasSubstr(R"("base_model":"speech_embedding")"));
  EXPECT_THAT(json, HasSubstr(R"("recordings":["said/one.wav","said/two.wav"])"));
}

TEST(TrainingMetadata, TakesMetricsFromThePointNearestToTheThreshold) {
  TrainingRecord record;
  record.threshold = 0.7;
  record.threshold_analysis = {{.threshold = 0.5, .frr = 0.01},
                               {.threshold = 0.69, .far = 0.03, .frr = 0.02, .accuracy = 0.9},
                               {.threshold = 0.9, .frr = 0.3}};
  const Value metadata = to_metadata(record);
  EXPECT_EQ(number_at(metadata, "metrics", "frr"), 0.02);
  EXPECT_EQ(number_at(metadata, "metrics", "far"), 0.03);
  EXPECT_EQ(number_at(metadata, "metrics", "accuracy"), 0.9);
}

TEST(TrainingMetadata, TakesTheLowestLossAndTheLastAccuracy) {
  TrainingRecord record;
  record.history = {{.validation_loss = std::numeric_limits<double>::quiet_NaN()},
                    {.validation_loss = 0.2, .validation_accuracy = 0.8},
                    {.validation_loss = 0.3, .validation_accuracy = 0.9, .validation_f1 = 0.7}};
  const Value metadata = to_metadata(record);
  EXPECT_EQ(number_at(metadata, "metrics", "best_val_loss"), 0.2);
  EXPECT_EQ(number_at(metadata, "metrics", "val_accuracy"), 0.9);
  EXPECT_EQ(number_at(metadata, "metrics", "val_f1"), 0.7);
}

TEST(TrainingMetadata, LeavesUnknownMetricsNull) {
  const Value metadata = to_metadata(TrainingRecord{});
  EXPECT_TRUE(metadata.find("metrics", "best_val_loss")->is_null());
  EXPECT_TRUE(metadata.find("metrics", "frr")->is_null());
}

TEST(TrainingMetadata, SaysWhyThereIsNoModel) {
  TrainingRecord record = finished();
  record.has_onnx = false;
  EXPECT_EQ(to_metadata(record).find("onnx_failure"), nullptr) << "not tried yet";
  record.onnx_failure = "no space left";
  const std::string json = core::to_json(to_metadata(record));
  EXPECT_THAT(json, HasSubstr(R"("has_onnx":false,"onnx_failure":"no space left")"));
  EXPECT_THAT(json, Not(HasSubstr("onnx_size_bytes")));
}

TEST(TrainingMetadata, KeepsSeedsBeyond63Bits) {
  TrainingRecord record;
  record.seed = 18446744073709551615U;
  EXPECT_THAT(core::to_json(to_metadata(record)), HasSubstr("18446744073709551615"));
}

TEST(TrainingMetadata, IsReadBackAsItWas) {
  const std::string json = core::to_json(to_metadata(finished()), 2);
  const auto parsed = core::parse_json(json);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(core::to_json(*parsed, 2), json);
}

// ---- training_history.json ----

TEST(TrainingHistory, CountsEpochsFromOne) {
  TrainingRecord record;
  record.history = {{.step = 50}, {.step = 100}};
  EXPECT_EQ(core::to_json(to_history(record)),
            R"([{"epoch":1,"step":50,"train_loss":0.0,"train_acc":0.0,"val_loss":0.0,)"
            R"("val_acc":0.0,"val_f1":0.0,"val_recall":0.0,"val_false_accepts":0,"lr":0.0},)"
            R"({"epoch":2,"step":100,"train_loss":0.0,"train_acc":0.0,"val_loss":0.0,)"
            R"("val_acc":0.0,"val_f1":0.0,"val_recall":0.0,"val_false_accepts":0,"lr":0.0}])");
}

TEST(TrainingHistory, PutsEachNumberUnderItsName) {
  TrainingRecord record;
  record.history = {{.step = 1,
                     .rate = 0.001,
                     .train_loss = 0.1,
                     .train_accuracy = 0.2,
                     .validation_loss = 0.3,
                     .validation_accuracy = 0.4,
                     .validation_f1 = 0.5,
                     .validation_recall = 0.6,
                     .validation_false_accepts = 7}};
  EXPECT_EQ(core::to_json(to_history(record)),
            R"([{"epoch":1,"step":1,"train_loss":0.1,"train_acc":0.2,"val_loss":0.3,)"
            R"("val_acc":0.4,"val_f1":0.5,"val_recall":0.6,"val_false_accepts":7,"lr":0.001}])");
}

TEST(TrainingHistory, IsAnEmptyListWithoutValidations) {
  EXPECT_EQ(core::to_json(to_history({})), "[]");
}

// ---- NAME.html ----

TEST(TrainingPage, IsWellFormed) { EXPECT_EQ(fault_in(training_html(finished())), ""); }

TEST(TrainingPage, SaysWhatItHearsAndMisses) {
  const std::string page = training_html(finished());
  // At 0.73: 0.005 + 0.2 * 0.73^6 = 3.5 % of 400 words; floor(480 exp(-5.11)) / 8 per hour.
  EXPECT_THAT(page, HasSubstr("hears “hey jarvis” in 386 of 400 synthetic renderings"));
  EXPECT_THAT(page, HasSubstr("misses 14 (3.5 %)"));
  EXPECT_THAT(page, HasSubstr("In 8 h of everyday sound without the word it was wrong 0.25 "
                              "times per hour; at most 0.5 was wanted"));
  EXPECT_THAT(page, HasSubstr("trained on 2026-11-25 20:38 UTC in 4 min 12 s."));
  EXPECT_THAT(page, HasSubstr("Synthetic speech is easier than people."));
  EXPECT_THAT(page, HasSubstr("wakebuilder detect hey_jarvis --microphone"));
  EXPECT_THAT(page, HasSubstr("<title>hey jarvis: training of a wake word</title>"));
}

TEST(TrainingPage, WarnsOfARateThatIsNotShown) {
  TrainingRecord record = finished();
  EXPECT_THAT(training_html(record), Not(HasSubstr("This rate is not shown.")));
  record.rate_is_shown = false;
  record.negative_hours = 2;
  EXPECT_THAT(training_html(record),
              HasSubstr("2 h of sound are too few to be sure of at most 0.5 false accepts per "
                        "hour. It would take 6 h without a false accept."));
}

TEST(TrainingPage, TellsHoursThatAreHarderThanEverydaySound) {
  TrainingRecord record = finished();
  record.negative_hours = 2;
  record.everyday_hours = 16;
  EXPECT_THAT(training_html(record),
              HasSubstr("In 16 h of everyday sound without the word (of 2 h of sound, some of it "
                        "harder than everyday sound) it was wrong"));
  EXPECT_EQ(number_at(to_metadata(record), "everyday_hours"), 16);
  EXPECT_EQ(number_at(to_metadata(record), "held_out_hours"), 2);
}

TEST(TrainingPage, WarnsOfMissesAndFalseAccepts) {
  TrainingRecord record = finished();
  EXPECT_THAT(training_html(record), Not(HasSubstr("It misses many.")));
  EXPECT_THAT(training_html(record), Not(HasSubstr("More false accepts than wanted.")));
  record.threshold_analysis = {{.threshold = 0.73, .false_accepts_per_hour = 0.6, .frr = 0.2}};
  EXPECT_THAT(training_html(record), HasSubstr("It misses many."));
  EXPECT_THAT(training_html(record), HasSubstr("More false accepts than wanted."));
}

TEST(TrainingPage, SaysWhyThereIsNoModel) {
  TrainingRecord record = finished();
  EXPECT_THAT(training_html(record), HasSubstr("hey_jarvis.onnx"));
  record.has_onnx = false;
  record.onnx_failure = "disk <full>";
  const std::string page = training_html(record);
  EXPECT_THAT(page, HasSubstr("There is no ONNX model.</strong> disk &lt;full&gt;"));
  EXPECT_THAT(page, HasSubstr("wakebuilder export hey_jarvis"));
}

TEST(TrainingPage, EscapesHostileText) {
  TrainingRecord record = finished();
  const std::string hostile = "</title><script>alert(\"1\")</script>&\x01\xff' onload='x";
  record.name = record.wake_word = record.phonemes = record.created_at = record.version = hostile;
  record.graph = record.onnx_failure = hostile;
  record.has_onnx = false;
  record.stages[0].stage = hostile;
  record.confused[0] = {hostile, hostile, 0.9};
  record.missed[0] = {hostile, hostile, 0.1};
  const std::string page = training_html(record);
  EXPECT_EQ(fault_in(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("' onload")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&quot;1&quot;)"));
}

TEST(TrainingPage, NeedsNothingElse) {
  const std::string page = training_html(finished());
  for (const char* loader : {"<script", "<link", "<img", "src=", "href=", "url(", "@import"})
    EXPECT_THAT(page, Not(HasSubstr(loader)));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, HasSubstr("width=device-width"));
}

TEST(TrainingPage, OfNothingSaysThatThereIsNothing) {
  const std::string page = training_html(TrainingRecord{});
  EXPECT_EQ(fault_in(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<svg")));
  EXPECT_THAT(page, HasSubstr("How well it hears was not measured."));
  EXPECT_THAT(page, HasSubstr("No validation was recorded."));
  EXPECT_THAT(page, HasSubstr("Nothing was held out to measure on."));
}

TEST(TrainingPage, LivesWithWhatIsNoNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  TrainingRecord record = finished();
  record.threshold = record.negative_hours = record.wanted_per_hour = record.seconds = nan;
  record.threshold_analysis = {{nan, nan, nan, nan}, {.threshold = 0.5, .frr = infinite}};
  record.positive_scores = {nan, infinite, -infinite};
  record.negative_scores = {nan};
  record.history[0].train_loss = nan;
  record.history[3] = {.step = 80, .train_loss = infinite, .validation_loss = nan};
  record.stages[1].seconds = nan;
  record.missed[0].score = nan;
  const std::string page = training_html(record);
  EXPECT_EQ(fault_in(page), "");
  for (const char* bad : {"nan", "inf "}) EXPECT_THAT(page, Not(HasSubstr(bad)));
}

TEST(TrainingPage, IsTheSameForTheSameRecord) {
  EXPECT_EQ(training_html(finished()), training_html(finished()));
}

TEST(TrainingPage, NamesTheModelWhereItsNameIsNotTheWord) {
  TrainingRecord record = finished();
  EXPECT_THAT(training_html(record), HasSubstr("wakebuilder train &#39;hey jarvis&#39; --rec"));
  record.name = "other";
  EXPECT_THAT(training_html(record), HasSubstr("&#39;hey jarvis&#39; --name other --rec"));
}

// ---- its drawings ----

TEST(TrainingPlots, AreWellFormedAndSayWhatTheyShow) {
  const TrainingRecord record = finished();
  for (const std::string& svg : {draw_losses(record.history), draw_validation(record.history),
                                 draw_tradeoff(record), draw_scores(record)}) {
    EXPECT_EQ(fault_in(svg), "");
    EXPECT_THAT(svg, HasSubstr("role=\"img\" aria-label=\""));
  }
  EXPECT_THAT(draw_tradeoff(record), HasSubstr("threshold 0.73: misses 3.5 %, false accepts per "
                                               "hour 0.25."));
}

TEST(TrainingPlots, OfNothingAreEmpty) {
  EXPECT_EQ(draw_losses({}), "");
  EXPECT_EQ(draw_validation({}), "");
  EXPECT_EQ(draw_tradeoff({}), "");
  EXPECT_EQ(draw_scores({}), "");
}

TEST(TrainingPlots, DrawTheTradeoffAsSteps) {
  TrainingRecord record;
  record.threshold = 0.9;
  record.threshold_analysis = {{.threshold = 0.1, .false_accepts_per_hour = 100, .frr = 0},
                               {.threshold = 0.9, .false_accepts_per_hour = 0, .frr = 1}};
  // From the corner above at the left, 0.1 and 100 %, to that below at the right.
  EXPECT_THAT(draw_tradeoff(record), HasSubstr("d=\"M62 36H426V246\""));
}

TEST(TrainingPlots, ShadeRatesThatTheHoursCannotTell) {
  TrainingRecord record = finished();
  record.negative_hours = 1;  // once: a third of 364 pixels
  EXPECT_THAT(draw_tradeoff(record),
              HasSubstr("class=\"untold\" x=\"62\" y=\"36\" width=\"121.3\""));
  record.negative_hours = 10;
  EXPECT_THAT(draw_tradeoff(record), Not(HasSubstr("untold")));
}

TEST(TrainingPlots, CountScoresOfOneInTheLastBin) {
  TrainingRecord record;
  record.positive_scores = {1.0, 1.0, 0.0};
  // 40 bins of 9.1 pixels; the fullest is as high as the panel.
  const std::string svg = draw_scores(record);
  EXPECT_THAT(svg, HasSubstr("class=\"f0\" x=\"417.4\" y=\"56\" width=\"8.1\" height=\"92\""));
  EXPECT_THAT(svg, HasSubstr("class=\"f0\" x=\"62.5\""));
}

TEST(TrainingPlots, TellPrecisionFromRecallAndF1) {
  // p = 0.6, r = 0.9: F1 = 0.72
  const std::vector<HistoryPoint> history = {{.validation_f1 = 0.72, .validation_recall = 0.9}};
  EXPECT_THAT(draw_validation(history), HasSubstr("recall 90 %, F1 72 %, precision 60 %."));
  EXPECT_THAT(draw_validation({HistoryPoint{}}), HasSubstr("precision ? %."));
}

TEST(TrainingPlots, InterruptACurveWhereThereIsNoNumber) {
  std::vector<HistoryPoint> history = {{.step = 1}, {.step = 2}, {.step = 3}, {.step = 4}};
  history[1].train_loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(draw_losses(history), HasSubstr("M153 246M335 246L426 246"));
}

// ---- numbers and words ----

TEST(Readable, WritesNumbersAsPeopleDo) {
  EXPECT_EQ(rounded(0.7349, 2), "0.73");
  EXPECT_EQ(rounded(-0.001, 2), "0");
  EXPECT_EQ(rounded(1e6, 0), "1000000");
  EXPECT_EQ(three_digits(0.8), "0.800");
  EXPECT_EQ(three_digits(std::nan("")), "?");
  EXPECT_EQ(two_digits(2.1862615e-07), "2.2e-07");
  EXPECT_EQ(two_digits(0), "0");
  EXPECT_EQ(percent(0.9731), "97.3 %");
  EXPECT_EQ(duration(4.23), "4.2 s");
  EXPECT_EQ(duration(725), "12 min 5 s");
  EXPECT_EQ(duration(3780), "1 h 3 min");
  EXPECT_EQ(counted(1, "word", "words"), "1 word");
  EXPECT_EQ(byte_size(2104512), "2.1 MB");
  EXPECT_EQ(byte_size(812), "812 bytes");
}

TEST(Readable, QuotesWhatAShellWouldMistake) {
  EXPECT_EQ(shell_word("hey_jarvis"), "hey_jarvis");
  EXPECT_EQ(shell_word("hey jarvis"), "'hey jarvis'");
  EXPECT_EQ(shell_word("what's up"), "\"what's up\"");
  EXPECT_EQ(shell_word("$(rm) 'x'"), R"('$(rm) '"'"'x'"'"'')");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace wakebuilder::pipeline
