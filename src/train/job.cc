#include "train/job.h"

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::train {
namespace {

using core::Value;

Error wrong(const std::string& key, const std::string& expected, const Value& found) {
  return {ErrorCode::kInvalidArgument,
          key + ": expected " + expected + ", found " + core::quote(core::to_json(found))};
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

/// A key, and what reads its value.
using Field = std::pair<std::string, std::function<Result<void>(const Value&)>>;

template <class T>
Field field(const std::string& key, T& target) {
  return {key, [key, &target](const Value& value) { return set(key, value, target); }};
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

Result<void> read_config(const Value& value, model::CompactConfig& config) {
  return read_fields(
      "config", value,
      {field("heads", config.heads), field("window", config.window), field("width", config.width),
       field("se_dim", config.se_dim), field("dilations", config.dilations),
       field("hidden_dims", config.hidden_dims)});
}

Result<void> read_options(const Value& value, HeadOptions& options) {
  WAKEBUILDER_CHECK(read_fields(
      "options", value,
      {field("steps", options.steps), field("batch", options.batch),
       field("warm_up", options.warm_up), field("rate", options.rate),
       field("decay", options.decay), field("mixup", options.mixup),
       field("label_smoothing", options.label_smoothing), field("hardest", options.hardest),
       field("dropout", options.dropout), field("channel_dropout", options.channel_dropout),
       field("average", options.average), field("gradient_norm", options.gradient_norm),
       field("seed", options.seed), field("threads", options.threads)}));
  return check(options);
}

Result<core::Tensor> tensor_of(const checkpoint::Checkpoint& data, const std::string& name) {
  const Value* value = data.root.find(name);
  const auto* tensor = value != nullptr ? value->get_if<core::Tensor>() : nullptr;
  if (tensor != nullptr) return *tensor;
  return fail(ErrorCode::kMismatch, "expected the tensors tokens and labels, found no " + name);
}

}  // namespace

Result<Job> parse_job(const std::string& json) {
  WAKEBUILDER_TRY(const auto value, core::parse_json(json));
  Job job;
  WAKEBUILDER_CHECK(read_fields(
      "job", value,
      {field("data", job.data),
       field("output", job.output),
       {"config", [&](const Value& found) { return read_config(found, job.config); }},
       {"options", [&](const Value& found) { return read_options(found, job.options); }}}));
  for (const auto& [name, path] : {std::pair("data", job.data), std::pair("output", job.output)}) {
    if (path.empty())
      return fail(ErrorCode::kInvalidArgument, std::string("job: expected the key ") + name);
  }
  return job;
}

Value to_value(const HeadProgress& progress) {
  return core::Dict{{"step", progress.step},
                    {"steps", progress.steps},
                    {"loss", progress.loss},
                    {"remaining_s", progress.remaining_s}};
}

Result<void> run(const Job& job, const HeadObserver& observer) {
  WAKEBUILDER_TRY(const auto file, checkpoint::read(job.data));
  HeadData data;
  WAKEBUILDER_TRY(data.tokens, tensor_of(file, "tokens"));
  WAKEBUILDER_TRY(data.labels, tensor_of(file, "labels"));
  WAKEBUILDER_TRY(const auto weights, train_head(data, job.config, job.options, observer));
  core::Dict tensors;
  for (const auto& [name, tensor] : weights) tensors.emplace_back(name, tensor);
  WAKEBUILDER_TRY(auto staged, core::StagedFile::create(job.output));
  WAKEBUILDER_CHECK(checkpoint::write_safetensors(staged, Value(std::move(tensors))));
  return staged.publish();
}

}  // namespace wakebuilder::train
