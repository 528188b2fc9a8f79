#include "wakebuilder/corpus/noise.h"

#include <cmath>

#include "wakebuilder/audio/noise.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/corpus/clip.h"
#include "wakebuilder/corpus/random.h"
namespace wakebuilder::corpus {
std::vector<Frames> make_noises(std::span<const std::vector<float>> speech,
                                const NoiseOptions& options) {
  std::vector<Frames> out(options.count);
  core::for_each_job(options.count, options.threads, [&](std::size_t n) {
    Random r(options.seed * 77 + n);
    const auto len = static_cast<std::size_t>(options.seconds * 16000);
    std::vector<float> y(len, 0.0F);
    const auto kind = n % 7;
    if (kind < 3 || kind == 6 || speech.empty()) {
      for (float& v : y) v = static_cast<float>(r.normal());
      if (r.chance(0.7)) audio::make_pink(y);
      if (r.chance(0.4)) {
        float s = 0;
        const auto a = static_cast<float>(r.uniform(0.3, 0.95));
        for (float& v : y) {
          s = a * s + (1 - a) * v;
          v = s;
        }
      }
      if (kind != 0) {
        double m = 1;
        double target = 1;
        for (std::size_t i = 0; i < len; ++i) {
          if (i % 4000 == 0) target = std::pow(r.uniform(0.05, 1), 1.5);
          m += (target - m) * 0.0005;
          y[i] *= static_cast<float>(m);
        }
      }
    } else {
      constexpr int talkers[] = {1, 2, 3, 4, 6, 8, 12};
      for (int t = talkers[r.index(7)]; t > 0; --t) {
        std::size_t at = 0;
        const auto gain = static_cast<float>(std::pow(10.0, r.uniform(-10, 0) / 20));
        while (at < len) {
          const auto& w =
              speech[static_cast<std::size_t>(r.index(static_cast<std::int64_t>(speech.size())))];
          const double ratio = r.uniform(0.85, 1.2);
          for (double p = 0; p < static_cast<double>(w.size() - 1) && at < len; p += ratio, ++at) {
            const auto i = static_cast<std::size_t>(p);
            const auto f = static_cast<float>(p - static_cast<double>(i));
            y[at] += gain * (w[i] * (1 - f) + w[i + 1] * f);
          }
          at += static_cast<std::size_t>(r.uniform(0, 0.4) * 16000);
        }
      }
    }
    audio::normalise_rms(y);
    for (float& v : y) v *= 0.1F;
    out[n] = log_mel(y);
  });
  return out;
}
}  // namespace wakebuilder::corpus
