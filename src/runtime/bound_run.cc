#include "wakebuilder/runtime/bound_run.h"

#include <utility>

#include "wakebuilder/core/expect.h"

#include "runtime/session_impl.h"

namespace wakebuilder::runtime {
namespace {

/// A bound tensor: its numbers and ONNX Runtime's view of them.
struct Tensor {
  std::vector<float> numbers;
  Handle<OrtValue> value;
};

struct Loop {
  std::size_t output, input;
};

}  // namespace

struct BoundRun::Impl {
  Session session;
  std::vector<Binding> input_bindings;
  std::vector<Binding> output_bindings;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  std::vector<Loop> loops;
  std::vector<const char*> input_names;  ///< for ONNX Runtime, in the order of the bindings
  std::vector<const char*> output_names;
  std::vector<const OrtValue*> input_values;
  std::vector<OrtValue*> output_values;

  explicit Impl(Session opened) : session(std::move(opened)) {}
};

namespace {

Result<std::vector<Tensor>> allocate(const Api& api, const OrtMemoryInfo* memory,
                                     const std::vector<BoundRun::Binding>& bindings) {
  std::vector<Tensor> tensors(bindings.size());
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    auto& numbers = tensors[i].numbers;
    numbers.resize(static_cast<std::size_t>(core::numel(bindings[i].shape)));
    WAKEBUILDER_TRY(tensors[i].value,
                    wrap(api, memory, numbers.data(), numbers.size(), bindings[i].shape));
  }
  return tensors;
}

}  // namespace

BoundRun::BoundRun(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoundRun::BoundRun(BoundRun&&) noexcept = default;
BoundRun& BoundRun::operator=(BoundRun&&) noexcept = default;
BoundRun::~BoundRun() = default;

Result<BoundRun> BoundRun::create(Session session, std::vector<Binding> inputs,
                                  std::vector<Binding> outputs) {
  auto impl = std::make_unique<Impl>(std::move(session));
  impl->input_bindings = std::move(inputs);
  impl->output_bindings = std::move(outputs);
  const Session::Impl& opened = *impl->session.impl_;
  WAKEBUILDER_TRY(impl->inputs, allocate(opened.api(), opened.memory.get(), impl->input_bindings));
  WAKEBUILDER_TRY(impl->outputs,
                  allocate(opened.api(), opened.memory.get(), impl->output_bindings));
  for (const Binding& binding : impl->input_bindings)
    impl->input_names.push_back(binding.name.c_str());
  for (const Binding& binding : impl->output_bindings)
    impl->output_names.push_back(binding.name.c_str());
  for (const Tensor& tensor : impl->inputs) impl->input_values.push_back(tensor.value.get());
  for (const Tensor& tensor : impl->outputs) impl->output_values.push_back(tensor.value.get());
  return BoundRun(std::move(impl));
}

const Session& BoundRun::session() const { return impl_->session; }

std::span<float> BoundRun::input(std::size_t index) { return impl_->inputs.at(index).numbers; }

std::span<const float> BoundRun::output(std::size_t index) const {
  // What was fed back is by now the input.
  for (const Loop& loop : impl_->loops)
    if (loop.output == index) return impl_->inputs[loop.input].numbers;
  return impl_->outputs.at(index).numbers;
}

void BoundRun::feed_back(std::size_t output, std::size_t input) {
  WAKEBUILDER_EXPECT(impl_->output_bindings.at(output).shape ==
                     impl_->input_bindings.at(input).shape);
  impl_->loops.push_back({output, input});
}

Result<void> BoundRun::run() {
  const Session::Impl& opened = *impl_->session.impl_;
  WAKEBUILDER_CHECK(
      check(opened.api(), opened.ort().Run(opened.session.get(), nullptr, impl_->input_names.data(),
                                           impl_->input_values.data(), impl_->input_values.size(),
                                           impl_->output_names.data(), impl_->output_values.size(),
                                           impl_->output_values.data())));
  for (const Loop& loop : impl_->loops) {
    std::swap(impl_->outputs[loop.output], impl_->inputs[loop.input]);
    impl_->output_values[loop.output] = impl_->outputs[loop.output].value.get();
    impl_->input_values[loop.input] = impl_->inputs[loop.input].value.get();
  }
  return {};
}

}  // namespace wakebuilder::runtime
