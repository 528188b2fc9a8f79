// NAME.html, from its head to its last command.

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include "wakebuilder/core/svg.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/pipeline/registry.h"
#include "wakebuilder/pipeline/training_files.h"

#include "pipeline/plot_style.h"
#include "pipeline/readable.h"
#include "pipeline/training_plots.h"

namespace wakebuilder::pipeline {
namespace {

constexpr std::size_t kMostBytes = 300;  ///< of a text that is shown
constexpr std::size_t kOpenRows = 10;    ///< of a table of texts; the others are folded away
constexpr std::size_t kMostRows = 50;

constexpr std::string_view kPageStyle = R"(<style>
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #24292f; --quiet: #57606a; --line: #d4dae0; --card: #f6f8fa;
  --accent: #0072b2; --alert: #9a3d00; --alert-page: #fff4ea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1419; --text: #d7dde4; --quiet: #9aa4ae; --line: #2f3842; --card: #161c23;
    --accent: #56b4e9; --alert: #ffb27a; --alert-page: #2a1d12;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text); line-height: 1.5;
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0.5rem 0 0; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 0.6rem; }
h1, h2, p, li, td, th, dd { overflow-wrap: anywhere; }
p, li { max-width: 46rem; }
.quiet, figcaption, caption { color: var(--quiet); }
.tiles {
  display: grid; gap: 0.75rem; margin: 1.2rem 0; padding: 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr));
}
.tiles div, figure { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.tiles div { padding: 0.7rem 0.9rem; display: flex; flex-direction: column; }
.tiles dt { color: var(--quiet); font-size: 0.9rem; }
.tiles .value { margin: 0; font-size: 1.6rem; font-weight: 600; line-height: 1.25; }
.tiles .note { margin: 0; font-size: 0.9rem; color: var(--quiet); }
.alert {
  border-left: 4px solid var(--alert); background: var(--alert-page); border-radius: 4px;
  padding: 0.6rem 0.9rem; margin: 0.8rem 0; max-width: none;
}
.alert strong { color: var(--alert); }
.pair {
  display: grid; gap: 1rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr));
}
figure { margin: 0; padding: 0.7rem; }
figcaption { font-size: 0.9rem; margin: 0.3rem 0.2rem 0; }
.wb-plot { display: block; width: 100%; height: auto; }
.wb-plot text { font-size: 13px; }
.wb-plot .strong { font-weight: 600; }
.wb-plot .untold { fill: var(--line); fill-opacity: 0.55; }
.wb-plot .limit { stroke: var(--text); stroke-width: 1.2; fill: none; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; }
caption { text-align: left; padding: 0.2rem 0 0.4rem; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.8rem 0.3rem 0; }
th { font-weight: 600; }
tbody th { font-weight: 400; }
tr { border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.short { white-space: nowrap; }
.bar { width: 45%; padding-right: 0; }
.bar span {
  display: block; height: 0.8rem; margin-top: 0.35rem; min-width: 1px; background: var(--accent);
  border-radius: 2px;
}
summary { cursor: pointer; padding: 0.4rem 0; color: var(--accent); }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
code { font-size: 0.92em; }
pre {
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.8rem;
  overflow-x: auto; font-size: 0.9rem;
}
@media print { details { display: block; } figure, tr { break-inside: avoid; } }
</style>
)";

// ---- elements ----

/// Any bytes as text of an element or attribute.
std::string text_of(std::string_view text) { return core::xml(safe(text, kMostBytes)); }

std::string element(std::string_view name, const std::string& content,
                    std::string_view attributes = "") {
  const std::string open = std::string(name) + std::string(attributes.empty() ? "" : " ");
  return "<" + open + std::string(attributes) + ">" + content + "</" + std::string(name) + ">\n";
}

std::string paragraph(const std::string& content) { return element("p", content); }

std::string section(std::string_view title, const std::string& content) {
  return element("section", "\n" + element("h2", std::string(title)) + content);
}

std::string code(std::string_view text) { return "<code>" + text_of(text) + "</code>"; }

std::string alert(std::string_view what, const std::string& content) {
  return element("p", "<strong>" + std::string(what) + "</strong> " + content,
                 "class=\"alert\" role=\"note\"");
}

std::string figure(const std::string& drawing, const std::string& caption) {
  return element("figure", "\n" + drawing + element("figcaption", caption));
}

std::string pair_of(const std::string& first, const std::string& second) {
  return element("div", "\n" + first + second, "class=\"pair\"");
}

std::string cell(const std::string& content) { return "<td>" + content + "</td>"; }
std::string short_cell(const std::string& content) {
  return "<td class=\"short\">" + content + "</td>";
}
std::string number_cell(const std::string& content) {
  return "<td class=\"number\">" + content + "</td>";
}
std::string row_head(const std::string& content) {
  return "<th scope=\"row\">" + content + "</th>";
}
std::string row(const std::string& cells) { return "<tr>" + cells + "</tr>\n"; }

std::string table(const std::string& caption, const std::string& head, const std::string& rows) {
  const std::string top = head.empty() ? "" : element("thead", row(head));
  return element("table", "\n" + (caption.empty() ? "" : element("caption", caption)) + top +
                              element("tbody", "\n" + rows));
}

// ---- the summary ----

std::string word_of(const TrainingRecord& record) { return "“" + text_of(record.wake_word) + "”"; }

std::size_t misses_of(const TrainingRecord& record, const ThresholdPoint& point) {
  const auto words = static_cast<double>(record.positive_scores.size());
  return std::isfinite(point.frr)
             ? static_cast<std::size_t>(std::lround(std::clamp(point.frr, 0.0, 1.0) * words))
             : 0;
}

std::string hours_of(const TrainingRecord& record) { return rounded(told_hours(record), 2) + " h"; }

/// Where the sound is harder than what is heard every day.
std::string hardness_of(const TrainingRecord& record) {
  if (!(record.everyday_hours > 0) || record.everyday_hours == record.negative_hours) return "";
  return " (of " + rounded(record.negative_hours, 2) +
         " h of sound, some of it harder than everyday sound)";
}

std::string heard_sentence(const TrainingRecord& record, const ThresholdPoint& point) {
  const std::size_t words = record.positive_scores.size();
  const std::size_t missed = misses_of(record, point);
  return "At the threshold " + rounded(record.threshold, 3) + " it hears " + word_of(record) +
         " in " + std::to_string(words - missed) + " of " +
         counted(words, "synthetic rendering", "synthetic renderings") +
         " that it did not learn from, and misses " + std::to_string(missed) + " (" +
         percent(point.frr) + "). In " + hours_of(record) + " of everyday sound without the word" +
         hardness_of(record) + " it was wrong " + rounded(point.false_accepts_per_hour, 2) +
         " times per hour; at most " + rounded(record.wanted_per_hour, 3) + " was wanted.";
}

std::string tile(std::string_view name, const std::string& value, const std::string& note) {
  return element("div", element("dt", std::string(name)) + element("dd", value, "class=\"value\"") +
                            element("dd", note, "class=\"note\""));
}

std::string model_tile(const TrainingRecord& record) {
  if (record.has_onnx)
    return tile("Model", byte_size(record.onnx_bytes), code(record.name + ".onnx"));
  return tile("Model", "no .onnx", record.onnx_failure.empty() ? "not exported yet" : "see below");
}

std::string tiles_of(const TrainingRecord& record) {
  std::string tiles;
  if (const ThresholdPoint* point = chosen_point(record)) {
    tiles +=
        tile("Heard", percent(1 - point->frr),
             "of " + counted(record.positive_scores.size(), "held-out word", "held-out words"));
    tiles += tile("False accepts", rounded(point->false_accepts_per_hour, 2) + " / h",
                  "in " + hours_of(record) + " without the word");
  }
  tiles += tile("Threshold", rounded(record.threshold, 3), "of scores from 0 to 1");
  return element("dl", "\n" + tiles + model_tile(record), "class=\"tiles\"");
}

std::string rate_alert(const TrainingRecord& record) {
  if (record.rate_is_shown) return "";
  constexpr double kRuleOfThree = 3;  // with none in so many hours: 95 % sure
  std::string needed;
  if (record.wanted_per_hour > 0)
    needed = " It would take " + rounded(kRuleOfThree / record.wanted_per_hour, 1) +
             " h without a false accept.";
  return alert("This rate is not shown.",
               hours_of(record) + " of sound are too few to be sure of at most " +
                   rounded(record.wanted_per_hour, 3) + " false accepts per hour." + needed +
                   " Give more of your own with " + code("--negatives") + ", or measure it with " +
                   code("wakebuilder evaluate") + ".");
}

std::string quality_alerts(const TrainingRecord& record) {
  const ThresholdPoint* point = chosen_point(record);
  if (point == nullptr) return "";
  constexpr double kManyMisses = 0.1;
  std::string alerts;
  if (point->false_accepts_per_hour > record.wanted_per_hour * (1 + 1e-9))
    alerts += alert("More false accepts than wanted.",
                    "No threshold keeps the rate of " + rounded(record.wanted_per_hour, 3) +
                        " per hour. A longer wake word is easier to tell from other speech.");
  if (point->frr > kManyMisses)
    alerts += alert("It misses many.",
                    "More than one word in ten is not heard. A longer wake "
                    "word, more recordings or a higher rate of false accepts "
                    "would help.");
  return alerts;
}

std::string work_alerts(const TrainingRecord& record) {
  std::string alerts;
  if (!record.onnx_failure.empty())
    alerts += alert("There is no ONNX model.", text_of(record.onnx_failure));
  if (record.stopped_early)
    alerts += alert("Stopped early.",
                    "The training ended after step " + std::to_string(record.steps) + ".");
  if (record.data.failed > 0)
    alerts += alert("Voices failed.", counted(record.data.failed, "text", "texts") +
                                          " could not be said by the chosen voice: left out.");
  return alerts;
}

std::string people_alert(const TrainingRecord& record) {
  const std::string own =
      record.data.negatives_hours > 0 ? " and from your own sound without the word" : "";
  return alert("Synthetic speech is easier than people.",
               "These numbers come from programs that speak" + own +
                   ". People mumble, whisper, stand far away and talk over music: expect more "
                   "misses, and measure with recordings of them.");
}

/// "2026-11-25 20:38 UTC" of "2026-11-25T20:38:12Z"; anything else as it is.
std::string moment_of(const std::string& created_at) {
  constexpr std::string_view kForm = "2026-11-25T20:38:12Z";
  if (created_at.size() != kForm.size() || created_at[10] != 'T' || created_at.back() != 'Z')
    return text_of(created_at);
  return text_of(created_at.substr(0, 10) + " " + created_at.substr(11, 5)) + " UTC";
}

std::string introduction_of(const TrainingRecord& record) {
  const std::string sounds =
      record.phonemes.empty() ? "" : ", spoken " + code(record.phonemes) + ",";
  const std::string when = record.created_at.empty() ? "" : " on " + moment_of(record.created_at);
  return element("p",
                 "The model " + code(record.name) + " hears this word" + sounds +
                     " and was trained" + when + " in " + duration(record.seconds) + ".",
                 "class=\"quiet\"");
}

std::string summary_of(const TrainingRecord& record) {
  const ThresholdPoint* point = chosen_point(record);
  return element("header", "\n" + element("h1", word_of(record)) + introduction_of(record)) +
         tiles_of(record) +
         paragraph(point != nullptr ? heard_sentence(record, *point)
                                    : "How well it hears was not measured.") +
         rate_alert(record) + quality_alerts(record) + work_alerts(record) + people_alert(record);
}

// ---- what it hears ----

std::string hearing_of(const TrainingRecord& record) {
  const std::string tradeoff = draw_tradeoff(record);
  const std::string scores = draw_scores(record);
  std::string figures;
  if (!tradeoff.empty())
    figures += figure(tradeoff,
                      "What a threshold costs: fewer false accepts mean more misses. The mark is "
                      "the chosen threshold. Shaded: less than one false accept in all " +
                          hours_of(record) + ", too rare to be told from none.");
  if (!scores.empty())
    figures += figure(scores,
                      "How many have which score, logarithmic: of each word and of each piece of "
                      "sound without it the highest. Words left of the threshold are missed, "
                      "sound right of it is taken for the word.");
  const std::string title = "What it hears";
  if (figures.empty()) return section(title, paragraph("Nothing was held out to measure on."));
  return section(title, pair_of(figures, ""));
}

// ---- what it confuses ----

std::string text_rows(std::span<const ScoredText> texts, double threshold,
                      std::string_view at_least, std::string_view below) {
  std::string rows;
  for (const ScoredText& scored : texts)
    rows += row(row_head(text_of(scored.text)) + short_cell(text_of(scored.voice)) +
                number_cell(three_digits(scored.score)) +
                short_cell(std::string(scored.score >= threshold ? at_least : below)));
  return rows;
}

/// The first rows, and the others behind a line to open.
std::string texts_table(const std::string& caption, std::span<const ScoredText> texts,
                        double threshold, std::string_view at_least, std::string_view below) {
  if (texts.empty()) return paragraph(caption + ": none was measured.");
  const std::string head =
      "<th scope=\"col\">text</th><th scope=\"col\">voice</th>"
      "<th scope=\"col\" class=\"number\">score</th><th scope=\"col\" class=\"short\">taken "
      "as</th>";
  texts = texts.first(std::min(texts.size(), kMostRows));
  const auto first = texts.first(std::min(texts.size(), kOpenRows));
  const auto rest = texts.subspan(first.size());
  std::string out = table(caption, head, text_rows(first, threshold, at_least, below));
  if (!rest.empty())
    out += element("details", "\n" + element("summary", std::to_string(rest.size()) + " more") +
                                  table(caption + ", continued", head,
                                        text_rows(rest, threshold, at_least, below)));
  return element("div", "\n" + out);
}

std::string confusion_of(const TrainingRecord& record) {
  return section("What it confuses",
                 pair_of(texts_table("Other words with the highest scores", record.confused,
                                     record.threshold, "the word", "another"),
                         texts_table("Renderings of the word with the lowest scores", record.missed,
                                     record.threshold, "the word", "missed")));
}

// ---- how it learned ----

std::string learning_of(const TrainingRecord& record) {
  const std::string title = "How it learned";
  if (record.history.empty()) return section(title, paragraph("No validation was recorded."));
  return section(
      title,
      pair_of(
          figure(draw_losses(record.history),
                 "The loss that the training makes smaller, on windows that it learns from "
                 "and on windows of other voices."),
          figure(
              draw_validation(record.history),
              "Validation: the share of windows with the word that are heard (recall), the share "
              "of what is heard that is the word (precision), and F1, which is between the two.")));
}

// ---- where the time went ----

std::string name_of_stage(const std::string& stage) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"voices", "looking for voices"},      {"speech", "saying the words"},
      {"windows", "composing windows"},      {"head", "learning"},
      {"threshold", "choosing a threshold"}, {"export", "exporting and checking"}};
  for (const auto& [name, words] : kNames)
    if (name == stage) return std::string(words);
  return text_of(stage);
}

std::string stage_row(const StageTime& stage, double all_seconds) {
  const double share = std::clamp(stage.seconds / all_seconds, 0.0, 1.0);
  return row(row_head(name_of_stage(stage.stage)) + number_cell(duration(stage.seconds)) +
             "<td class=\"bar\" aria-hidden=\"true\"><span style=\"width: " +
             rounded(100 * share, 1) + "%\"></span></td>");
}

std::string time_of(const TrainingRecord& record) {
  double all_seconds = 0;
  for (const StageTime& stage : record.stages) all_seconds += stage.seconds;
  if (!(all_seconds > 0)) return "";
  std::string rows;
  for (const StageTime& stage : record.stages) rows += stage_row(stage, all_seconds);
  return section("Where the time went", table("", "", rows));
}

// ---- the data and the model ----

std::string fact(std::string_view name, const std::string& value) {
  return row(row_head(std::string(name)) + number_cell(value));
}

std::string data_of(const TrainingData& data) {
  const auto number = [](std::size_t count) { return std::to_string(count); };
  std::string rows = fact("renderings of the wake word", number(data.words)) +
                     fact("phrases with it", number(data.phrases)) +
                     fact("words that sound alike", number(data.near_words)) +
                     fact("other single words", number(data.isolated)) +
                     fact("sentences", number(data.running)) +
                     fact("your recordings of the word", number(data.recordings)) +
                     fact("your sound without it", rounded(data.negatives_hours, 2) + " h");
  rows += fact("windows with the word", number(data.positive_windows)) +
          fact("windows without it", number(data.negative_windows)) +
          fact("windows of validation", number(data.validation_windows));
  return table("What it learned from", "", rows);
}

std::string model_of(const TrainingRecord& record) {
  std::string rows = fact("architecture", text_of(record.graph)) +
                     fact("frozen backbone", text_of(record.base_model)) +
                     fact("parameters that were learned", std::to_string(record.parameters)) +
                     fact("parameters in all", std::to_string(record.total_parameters)) +
                     fact("steps", std::to_string(record.steps)) +
                     fact("seed", std::to_string(record.seed)) +
                     fact("version of wakebuilder", text_of(record.version));
  if (record.has_onnx)
    rows += fact("largest difference of the ONNX model", two_digits(record.onnx_max_abs_diff));
  return table("The model", "", rows);
}

// ---- files and commands ----

/// Whole, however long: half a command is another one.
std::string command(const std::string& line) { return core::xml(core::printable(line)) + "\n"; }

std::string file_row(const std::string& name, std::string_view what) {
  return row(row_head(code(name)) + cell(std::string(what)));
}

std::string files_of(const TrainingRecord& record) {
  std::string rows;
  if (record.has_onnx) rows += file_row(record.name + ".onnx", "the model, checked");
  rows += file_row(record.name + ".pt", "the checkpoint that it is exported from") +
          file_row(record.name + ".json", "all numbers of this page") +
          file_row("training_history.json", "the curves of the training") +
          file_row(record.name + ".html", "this page");
  return table("Files in the folder of the model", "", rows);
}

std::string train_command(const TrainingRecord& record) {
  std::string line = "wakebuilder train " + shell_word(record.wake_word);
  if (model_name(record.wake_word) != record.name) line += " --name " + shell_word(record.name);
  if (!record.base_path.empty()) line += " --base " + shell_word(record.base_path);
  return line + " --recordings said --negatives other --force";
}

std::string command_lines(const TrainingRecord& record) {
  const std::string name = shell_word(record.name);
  std::string lines;
  if (!record.has_onnx) lines += command("wakebuilder export " + name);
  // What was exported takes embeddings; with the AST it hears sound.
  if (record.graph == "head") lines += command("wakebuilder export " + name + " --graph ast");
  lines += command("wakebuilder detect " + name + " --microphone") +
           command("wakebuilder detect " + name + " clip.wav --plot clip.svg") +
           command("wakebuilder evaluate " + name + " --positive said --negative other") +
           command(train_command(record));
  return element("pre", "<code>" + lines + "</code>",
                 "tabindex=\"0\" role=\"region\" aria-label=\"Commands\"");
}

std::string next_of(const TrainingRecord& record) {
  return section(
      "What next",
      files_of(record) +
          paragraph("Listen to the microphone, hear a recording, measure with your own "
                    "recordings (in the folders " +
                    code("said") + " and " + code("other") + "), and train again with them:") +
          command_lines(record));
}

// ---- the page ----

/// Nothing is loaded and nothing runs, whatever the text would say.
std::string head_of(const TrainingRecord& record) {
  return "<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta http-equiv=\"Content-Security-Policy\" "
         "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
         "<meta name=\"color-scheme\" content=\"light dark\"/>\n" +
         element("title", text_of(record.wake_word) + ": training of a wake word") +
         style_of(kTrainingPlotSeries) + std::string(kPageStyle) + "</head>\n";
}

}  // namespace

std::string training_html(const TrainingRecord& record) {
  const std::string body =
      summary_of(record) + hearing_of(record) + confusion_of(record) + learning_of(record) +
      time_of(record) + section("Data and model", pair_of(data_of(record.data), model_of(record))) +
      next_of(record);
  return "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n" +
         head_of(record) + "<body>\n" + element("main", "\n" + body) + "</body>\n</html>\n";
}

}  // namespace wakebuilder::pipeline
