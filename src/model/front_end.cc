#include "wakebuilder/model/front_end.h"

#include <vector>

namespace wakebuilder::model {

FrontEnd<Parameter> make_front_end() {
  const std::vector<double> filters = audio::mel_filters();
  constexpr std::int64_t kBins = kFftSize / 2 + 1;
  return {.window = {"front_end.window", core::Tensor::from(audio::hann_window(), {kFrameLength})},
          .mel = {"front_end.mel_filters",
                  core::Tensor::from(std::vector<float>(filters.begin(), filters.end()),
                                     {kBins, kFeatureBins})}};
}

}  // namespace wakebuilder::model
