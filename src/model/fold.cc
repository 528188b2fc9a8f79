#include "wakebuilder/model/fold.h"

#include <Eigen/Core>

#include "model/eigen_view.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using core::Tensor;
using Eigen::MatrixXd;
using Eigen::VectorXd;

Parameter parameter(std::string name, const MatrixXd& matrix) {
  std::vector<float> values(static_cast<std::size_t>(matrix.size()));
  Eigen::Map<RowMajor<float>>(values.data(), matrix.rows(), matrix.cols()) = matrix.cast<float>();
  return {std::move(name), Tensor::from(std::move(values), {matrix.rows(), matrix.cols()})};
}

Parameter parameter(std::string name, const VectorXd& vector) {
  std::vector<float> values(static_cast<std::size_t>(vector.size()));
  Eigen::Map<Eigen::VectorXf>(values.data(), vector.size()) = vector.cast<float>();
  return {std::move(name), Tensor::from(std::move(values), {vector.size()})};
}

/// Wo (Wv x + bv) + bo = (Wo Wv) x + (Wo bv + bo); Wv and bv are the last third of in_proj.
FoldedSelfAttention<Parameter> fold(const SelfAttention<Parameter>& w, std::int64_t width) {
  const MatrixXd value_weight =
      matrix_view(w.attention.in_proj.weight.tensor).bottomRows(width).cast<double>();
  const VectorXd value_bias =
      vector_view(w.attention.in_proj.bias.tensor).tail(width).cast<double>();
  const MatrixXd out_weight = matrix_view(w.attention.out_proj.weight.tensor).cast<double>();
  const VectorXd out_bias = vector_view(w.attention.out_proj.bias.tensor).cast<double>();
  MatrixXd weight(width, width);
  weight.noalias() = out_weight * value_weight;
  const VectorXd bias = out_weight * value_bias + out_bias;
  return {.mix = {parameter("attention.folded.weight", weight),
                  parameter("attention.folded.bias", bias)},
          .norm = w.norm};
}

/// Keeps W[:, :, 1] of a kernel of 3.
Linear<Parameter> middle_tap(const Conv1d<Parameter>& conv) {
  const Shape& shape = conv.weight.tensor.shape();
  const auto taps = conv.weight.tensor.as<float>();
  std::vector<float> middle(taps.size() / kTcnKernel);
  for (std::size_t i = 0; i < middle.size(); ++i) middle[i] = taps[i * kTcnKernel + kTcnKernel / 2];
  std::string stem = conv.weight.name;
  stem.resize(stem.size() - std::string_view(".weight").size());
  return {.weight = {stem + ".middle_tap.weight",
                     Tensor::from(std::move(middle), {shape[0], shape[1]})},
          .bias = conv.bias};
}

FoldedTemporalConv<Parameter> fold(const TemporalConv<Parameter>& w) {
  return {.conv_0 = middle_tap(w.conv_0),
          .norm_0 = w.norm_0,
          .conv_1 = middle_tap(w.conv_1),
          .norm_1 = w.norm_1};
}

}  // namespace

Head<Parameter> fold(const Head<Parameter>& head, const HeadConfig& config) {
  Head<Parameter> folded = head;
  if (head.attention) {
    if (const auto* block = std::get_if<SelfAttention<Parameter>>(&*head.attention)) {
      folded.attention = fold(*block, config.embedding_dim);
    }
  }
  if (head.tcn_block) {
    if (const auto* block = std::get_if<TemporalConv<Parameter>>(&*head.tcn_block)) {
      folded.tcn_block = fold(*block);
    }
  }
  return folded;
}

}  // namespace wakebuilder::model
