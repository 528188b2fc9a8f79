#include "runtime/recording.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

#include "runtime/session_impl.h"

namespace wakebuilder::runtime {
namespace {

namespace fs = std::filesystem;
using NamedTensor = std::pair<std::string, core::Tensor>;

std::string text_at(const core::Value& value, std::string_view key) {
  const core::Value* found = value.find(key);
  const auto* text = found != nullptr ? found->get_if<std::string>() : nullptr;
  return text != nullptr ? *text : std::string();
}

void count(std::vector<Placement>& placements, const std::string& provider) {
  auto place = std::ranges::find(placements, provider, &Placement::provider);
  if (place == placements.end())
    place = placements.insert(place, {.provider = provider, .nodes = 0});
  ++place->nodes;
}

Result<core::Tensor> zeros(const Port& port) {
  if (!port.is_tensor || port.element_type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    return fail(ErrorCode::kUnsupported, core::quote(port.name) +
                                             ": expected a float32 tensor, found element type " +
                                             std::to_string(port.element_type));
  }
  core::Shape shape = port.shape;
  const auto is_dynamic = [](std::int64_t dim) { return dim < 0; };
  std::ranges::replace_if(shape, is_dynamic, 1);
  return core::Tensor::from(std::vector<float>(core::numel(shape)), shape);
}

/// What is given, and zeros for the other inputs.
Result<std::vector<NamedTensor>> complete(std::span<const NamedTensor> given,
                                          const std::vector<Port>& ports) {
  std::vector<NamedTensor> inputs(given.begin(), given.end());
  for (const Port& port : ports) {
    const bool is_given = std::ranges::any_of(
        given, [&](const NamedTensor& input) { return input.first == port.name; });
    if (is_given) continue;
    WAKEBUILDER_TRY(auto tensor, zeros(port));
    inputs.emplace_back(port.name, std::move(tensor));
  }
  return inputs;
}

struct RunArguments {
  std::vector<const char*> input_names, output_names;
  std::vector<Handle<OrtValue>> owners;
  std::vector<const OrtValue*> inputs;
  std::vector<OrtValue*> outputs;
};

Result<RunArguments> arguments(const Api& api, const OrtMemoryInfo* memory,
                               const std::vector<NamedTensor>& inputs,
                               const std::vector<Port>& outputs) {
  RunArguments run;
  for (const auto& [name, tensor] : inputs) {
    if (tensor.dtype() != core::DType::kFloat32)
      return fail(ErrorCode::kUnsupported, core::quote(name) + ": expected float32 numbers");
    const auto numbers = tensor.as<float>();
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): ONNX Runtime only reads inputs
    auto* values = const_cast<float*>(numbers.data());
    WAKEBUILDER_TRY(auto value, wrap(api, memory, values, numbers.size(), tensor.shape()));
    run.input_names.push_back(name.c_str());
    run.inputs.push_back(value.get());
    run.owners.push_back(std::move(value));
  }
  for (const Port& port : outputs) run.output_names.push_back(port.name.c_str());
  run.outputs.resize(outputs.size());
  return run;
}

/// For all outputs, whatever they are; forgets them.
Result<void> run_once(const Api& api, OrtSession* session, const OrtMemoryInfo* memory,
                      const std::vector<NamedTensor>& inputs, const std::vector<Port>& outputs) {
  WAKEBUILDER_TRY(auto run, arguments(api, memory, inputs, outputs));
  WAKEBUILDER_CHECK(check(
      api,
      api.ort->Run(session, nullptr, run.input_names.data(), run.inputs.data(), run.inputs.size(),
                   run.output_names.data(), run.outputs.size(), run.outputs.data())));
  for (OrtValue* value : run.outputs) run.owners.push_back(own(api, value, &OrtApi::ReleaseValue));
  return {};
}

}  // namespace

Result<std::vector<Placement>> read_profile(std::string_view json) {
  const auto profile = core::parse_json(json);
  const auto* events = profile ? profile->get_if<core::List>() : nullptr;
  if (events == nullptr) {
    return fail(ErrorCode::kUnsupported,
                "expected ONNX Runtime's profile as a list of events (a quote or backslash in the "
                "name of a node spoils it)" +
                    (profile ? "" : ", found " + profile.error().message));
  }
  std::vector<Placement> placements;
  std::set<std::vector<std::string>> seen;
  for (const core::Value& event : *events) {
    const core::Value* args = event.find("args");
    if (args == nullptr || text_at(event, "cat") != "Node") continue;
    const std::string provider = text_at(*args, "provider");
    if (provider.empty()) continue;  // waiting, not computing
    const bool is_new = seen.insert({text_at(event, "name"), text_at(*args, "node_index"),
                                     text_at(*args, "op_name"), provider})
                            .second;
    if (is_new) count(placements, provider_name(provider));
  }
  std::ranges::stable_sort(placements, std::greater<>(), &Placement::nodes);
  return placements;
}

Result<std::unique_ptr<Recording>> Recording::create() {
  auto folder = core::TemporaryFolder::make("wakebuilder-profile-");
  if (!folder) return fail_in("cannot make a folder for the profile", std::move(folder).error());
  return std::unique_ptr<Recording>(new Recording(*std::move(folder)));
}

Result<void> Recording::enable(const Api& api, OrtSessionOptions* settings) const {
  return check(api, api.ort->EnableProfiling(settings, (folder_ / "profile").c_str()));
}

Result<std::vector<Placement>> Recording::finish(const Api& api, OrtSession* session) {
  OrtAllocator* allocator = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->GetAllocatorWithDefaultOptions(&allocator)));
  char* name = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->SessionEndProfiling(session, allocator, &name)));
  const fs::path file = name;
  WAKEBUILDER_CHECK(check(api, api.ort->AllocatorFree(allocator, name)));
  WAKEBUILDER_TRY(const auto profile, core::read_text(file));
  folder_.remove();
  return read_profile(profile);
}

Result<std::vector<Placement>> Session::placements(
    std::span<const std::pair<std::string, core::Tensor>> inputs) {
  WAKEBUILDER_EXPECT(impl_->recording != nullptr);
  if (impl_->placements) return *impl_->placements;
  WAKEBUILDER_TRY(const auto complete_inputs, complete(inputs, impl_->inputs));
  WAKEBUILDER_CHECK(run_once(impl_->api(), impl_->session.get(), impl_->memory.get(),
                             complete_inputs, impl_->outputs));
  impl_->placements = impl_->recording->finish(impl_->api(), impl_->session.get());
  return *impl_->placements;
}

}  // namespace wakebuilder::runtime
