#include "train/job.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "wakebuilder/core/json.h"
#include "wakebuilder/core/range.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::train {
namespace {

using core::Value;

constexpr double kMostWidth = 65536;  ///< of any layer

Error wrong(const std::string& key, const std::string& expected, const Value& found) {
  return {ErrorCode::kInvalidArgument,
          key + ": expected " + expected + ", found " + core::quote(core::to_json(found))};
}

Result<void> set(const std::string& key, const Value& value, bool& flag) {
  const auto* found = value.get_if<bool>();
  if (found == nullptr) return fail(wrong(key, "true or false", value));
  flag = *found;
  return {};
}

Result<void> set(const std::string& key, const Value& value, std::int64_t& number) {
  const auto* found = value.get_if<std::int64_t>();
  if (found == nullptr) return fail(wrong(key, "a whole number", value));
  number = *found;
  return {};
}

Result<void> set(const std::string& key, const Value& value, int& number) {
  std::int64_t wide = 0;
  WAKEBUILDER_CHECK(set(key, value, wide));
  if (wide < 0 || wide > 1'000'000) return fail(wrong(key, "0 to 1000000", value));
  number = static_cast<int>(wide);
  return {};
}

Result<void> set(const std::string& key, const Value& value, std::uint64_t& number) {
  std::int64_t wide = 0;
  WAKEBUILDER_CHECK(set(key, value, wide));
  if (wide < 0) return fail(wrong(key, "a number of at least 0", value));
  number = static_cast<std::uint64_t>(wide);
  return {};
}

Result<void> set(const std::string& key, const Value& value, double& number) {
  const auto found = value.number();
  if (!found || !std::isfinite(*found)) return fail(wrong(key, "a number", value));
  number = *found;
  return {};
}

Result<void> set(const std::string& key, const Value& value, std::vector<std::int64_t>& numbers) {
  const auto* list = value.get_if<core::List>();
  if (list == nullptr) return fail(wrong(key, "a list of whole numbers", value));
  numbers.resize(list->size());
  for (std::size_t i = 0; i < list->size(); ++i)
    WAKEBUILDER_CHECK(set(key, (*list)[i], numbers[i]));
  return {};
}

Result<void> set(const std::string& key, const Value& value, std::filesystem::path& path) {
  const auto* text = value.get_if<std::string>();
  if (text == nullptr || text->empty()) return fail(wrong(key, "the name of a file", value));
  path = *text;
  return {};
}

Result<void> set(const std::string& key, const Value& value, JobGraph& graph) {
  const auto* text = value.get_if<std::string>();
  if (text == nullptr || (*text != "compact" && *text != "head"))
    return fail(wrong(key, "\"compact\" or \"head\"", value));
  graph = *text == "head" ? JobGraph::kHead : JobGraph::kCompact;
  return {};
}

/// A key, and what reads its value.
using Field = std::pair<std::string, std::function<Result<void>(const Value&)>>;

template <class T>
Field field(const std::string& key, T& target) {
  return {key, [key, &target](const Value& value) { return set(key, value, target); }};
}

/// A value that is read later, when more is known.
Field later(const std::string& key, const Value*& target) {
  return {key, [&target](const Value& value) {
            target = &value;
            return Result<void>{};
          }};
}

Result<void> read_fields(const std::string& where, const Value& value,
                         const std::vector<Field>& fields) {
  const auto* dict = value.get_if<core::Dict>();
  if (dict == nullptr) return fail(wrong(where, "an object", value));
  for (const auto& [key, item] : *dict) {
    const auto* name = key.get_if<std::string>();
    const auto known = std::find_if(fields.begin(), fields.end(), [&](const Field& field) {
      return name != nullptr && field.first == *name;
    });
    if (known == fields.end())
      return fail(ErrorCode::kInvalidArgument,
                  where + ": unknown key " + core::quote(core::to_json(key)));
    WAKEBUILDER_CHECK(known->second(item));
  }
  return {};
}

// ---- networks ----

Result<void> check_widths(const std::string& key, const std::vector<std::int64_t>& widths) {
  if (widths.size() > 64)
    return fail(ErrorCode::kInvalidArgument,
                key + ": expected at most 64 numbers, found " + std::to_string(widths.size()));
  for (const std::int64_t width : widths)
    WAKEBUILDER_CHECK(core::check_range(key, static_cast<double>(width), 1, kMostWidth));
  return {};
}

Result<void> read_config(const Value& value, model::CompactConfig& config) {
  WAKEBUILDER_CHECK(read_fields(
      "config", value,
      {field("heads", config.heads), field("window", config.window), field("width", config.width),
       field("se_dim", config.se_dim), field("dilations", config.dilations),
       field("hidden_dims", config.hidden_dims), field("feature_mean", config.feature_mean),
       field("feature_std", config.feature_std)}));
  WAKEBUILDER_CHECK(check_widths("heads", {config.heads}));
  WAKEBUILDER_CHECK(check_widths("width", {config.width}));
  WAKEBUILDER_CHECK(check_widths("se_dim", {config.se_dim}));
  WAKEBUILDER_CHECK(check_widths("dilations", config.dilations));
  WAKEBUILDER_CHECK(check_widths("hidden_dims", config.hidden_dims));
  WAKEBUILDER_CHECK(core::check_range("feature_std", config.feature_std, 1e-3, 1e3));
  if (config.window >= 1 && config.window <= 1023 && config.window % 2 == 1) return {};
  return fail(wrong("window", "an odd number from 1 to 1023", config.window));
}

Result<void> read_config(const Value& value, model::HeadConfig& config) {
  WAKEBUILDER_CHECK(read_fields(
      "config", value,
      {field("embedding_dim", config.embedding_dim), field("hidden_dims", config.hidden_dims),
       field("use_attention", config.use_attention), field("use_se_block", config.use_se_block),
       field("use_tcn", config.use_tcn), field("se_dim", config.se_dim)}));
  WAKEBUILDER_CHECK(check_widths("embedding_dim", {config.embedding_dim}));
  WAKEBUILDER_CHECK(check_widths("hidden_dims", config.hidden_dims));
  WAKEBUILDER_CHECK(check_widths("se_dim", {config.se_dim}));
  if (!config.use_attention || config.embedding_dim % model::kAttentionHeads == 0) return {};
  return fail(wrong("embedding_dim", "a multiple of 4, one part for each head of the attention",
                    config.embedding_dim));
}

// ---- options ----

std::vector<Field> option_fields(HeadOptions& options) {
  return {field("steps", options.steps),
          field("batch", options.batch),
          field("warm_up", options.warm_up),
          field("rate", options.rate),
          field("decay", options.decay),
          field("mixup", options.mixup),
          field("label_smoothing", options.label_smoothing),
          field("hardest", options.hardest),
          field("dropout", options.dropout),
          field("channel_dropout", options.channel_dropout),
          field("average", options.average),
          field("gradient_norm", options.gradient_norm),
          field("validate_every", options.validate_every),
          field("patience", options.patience),
          field("save_every", options.save_every),
          field("seed", options.seed),
          field("threads", options.threads)};
}

Result<void> read_options(const Value& value, HeadOptions& options) {
  WAKEBUILDER_CHECK(read_fields("options", value, option_fields(options)));
  return check(options);
}

Result<FineTuning> read_fine_tuning(const Value& value, const HeadOptions& options) {
  FineTuning tuning{.backbone = {}, .options = options};
  tuning.options.steps = 100;
  tuning.options.rate = 1.5e-4;
  tuning.options.batch = 32;
  tuning.options.warm_up = 10;
  auto fields = option_fields(tuning.options);
  fields.push_back(field("backbone", tuning.backbone));
  WAKEBUILDER_CHECK(read_fields("fine_tune", value, fields));
  if (tuning.backbone.empty())
    return fail(ErrorCode::kInvalidArgument, "fine_tune: expected the key backbone");
  WAKEBUILDER_CHECK(check(tuning.options));
  return tuning;
}

Result<void> check_together(const Job& job) {
  const auto no = [](const char* sentence) { return fail(ErrorCode::kInvalidArgument, sentence); };
  if (job.data.empty()) return no("job: expected the key data");
  if (job.output.empty()) return no("job: expected the key output");
  if (job.resume && job.state.empty()) return no("resume: expected the key state with it");
  if (job.fine_tuning && job.graph == JobGraph::kHead)
    return no("fine_tune: expected the graph compact, found head, whose backbone does not learn");
  if (!job.start.empty() && !job.fine_tuning)
    return no("start: expected the key fine_tune with it");
  return {};
}

}  // namespace

Result<Job> parse_job(const std::string& json) {
  WAKEBUILDER_TRY(const auto value, core::parse_json(json));
  Job job;
  const Value* config = nullptr;
  const Value* fine_tuning = nullptr;
  WAKEBUILDER_CHECK(read_fields(
      "job", value,
      {field("data", job.data),
       field("output", job.output),
       field("state", job.state),
       field("resume", job.resume),
       field("start", job.start),
       field("graph", job.graph),
       later("config", config),
       {"options", [&](const Value& found) { return read_options(found, job.options); }},
       later("fine_tune", fine_tuning)}));
  if (config != nullptr) {
    WAKEBUILDER_CHECK(job.graph == JobGraph::kHead ? read_config(*config, job.head_config)
                                                   : read_config(*config, job.config));
  }
  if (fine_tuning != nullptr) {
    WAKEBUILDER_TRY(job.fine_tuning, read_fine_tuning(*fine_tuning, job.options));
  }
  WAKEBUILDER_CHECK(check_together(job));
  return job;
}

// ---- identity ----

namespace {

Value list_of(const std::vector<std::int64_t>& numbers) {
  return core::List(numbers.begin(), numbers.end());
}

core::Dict identity_of(const model::CompactConfig& config) {
  return {{"graph", "compact"},
          {"heads", config.heads},
          {"window", config.window},
          {"width", config.width},
          {"se_dim", config.se_dim},
          {"dilations", list_of(config.dilations)},
          {"hidden_dims", list_of(config.hidden_dims)}};
}

core::Dict identity_of(const model::HeadConfig& config) {
  return {{"graph", "head"},
          {"embedding_dim", config.embedding_dim},
          {"hidden_dims", list_of(config.hidden_dims)},
          {"use_attention", config.use_attention},
          {"use_se_block", config.use_se_block},
          {"use_tcn", config.use_tcn},
          {"se_dim", config.se_dim}};
}

}  // namespace

Value identity_of(const HeadOptions& options) {
  return core::Dict{{"batch", options.batch},
                    {"warm_up", options.warm_up},
                    {"rate", options.rate},
                    {"decay", options.decay},
                    {"mixup", options.mixup},
                    {"label_smoothing", options.label_smoothing},
                    {"hardest", options.hardest},
                    {"dropout", options.dropout},
                    {"channel_dropout", options.channel_dropout},
                    {"average", options.average},
                    {"gradient_norm", options.gradient_norm},
                    {"seed", std::to_string(options.seed)}};
}

Value identity_of(const Job& job) {
  return job.graph == JobGraph::kHead ? identity_of(job.head_config) : identity_of(job.config);
}

}  // namespace wakebuilder::train
