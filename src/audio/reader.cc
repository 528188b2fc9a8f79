#include "wakebuilder/audio/reader.h"

#include <algorithm>
#include <array>

#include <soxr.h>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"

#include "audio/finite.h"
#include "audio/sound_file.h"

namespace wakebuilder::audio {
namespace {

constexpr std::size_t kPieceFrames = 4096;

struct DeleteSoxr {
  void operator()(soxr_t soxr) const { soxr_delete(soxr); }
};
using Soxr = std::unique_ptr<std::remove_pointer_t<soxr_t>, DeleteSoxr>;

Result<Soxr> make_resampler(int rate_hz) {
  soxr_error_t error = nullptr;
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  Soxr soxr(soxr_create(rate_hz, kSampleRateHz, 1, &error, &io, &quality, &runtime));
  if (error != nullptr || !soxr) {
    return fail(ErrorCode::kUnsupported, "cannot be resampled from " + std::to_string(rate_hz) +
                                             " Hz: " + core::quote(error ? error : "no memory"));
  }
  return soxr;
}

}  // namespace

/// decoded -> mono -> (resampler) -> out. `mono_` waits until the resampler has taken it.
class AudioReader::Impl {
 public:
  static Result<std::unique_ptr<Impl>> make(std::unique_ptr<ByteSource> source, std::string name) {
    auto file = SoundFile::open(std::move(source));
    if (!file) return fail_in(name, std::move(file).error());
    const int rate_hz = file->info().sample_rate_hz;
    Soxr soxr;
    if (rate_hz != kSampleRateHz) {
      auto made = make_resampler(rate_hz);
      if (!made) return fail_in(name, std::move(made).error());
      soxr = *std::move(made);
    }
    return std::unique_ptr<Impl>(new Impl(*std::move(file), std::move(soxr), std::move(name)));
  }

  const AudioInfo& info() const { return file_.info(); }

  Result<std::size_t> read(std::span<float> out) {
    std::size_t count = 0;
    while (!error_ && count < out.size() && !is_drained_) {
      auto got = read_some(out.subspan(count));
      if (!got) {
        error_ = Error{got.error().code, name_ + ": " + got.error().message};
        break;
      }
      count += *got;
    }
    if (error_ && count == 0) return fail(*error_);
    return count;
  }

 private:
  Impl(SoundFile file, Soxr soxr, std::string name)
      : file_(std::move(file)),
        soxr_(std::move(soxr)),
        name_(std::move(name)),
        decoded_(kPieceFrames * static_cast<std::size_t>(file_.info().channels)) {
    mono_.reserve(kPieceFrames);
  }

  Result<std::size_t> read_some(std::span<float> out) {
    if (taken_ == mono_.size() && !is_at_end_) WAKEBUILDER_CHECK(decode());
    return soxr_ ? resample(out) : pass_on(out);
  }

  Result<void> decode() {
    WAKEBUILDER_TRY(const std::size_t frames, file_.read(decoded_));
    const auto channels = static_cast<std::size_t>(file_.info().channels);
    const auto fresh = std::span(decoded_).first(frames * channels);
    if (const auto bad = first_not_finite(fresh)) {
      return fail(ErrorCode::kCorrupt,
                  not_finite_sentence(fresh[*bad], decoded_frames_ + *bad / channels,
                                      file_.info().sample_rate_hz));
    }
    mix(fresh, channels);
    decoded_frames_ += frames;
    is_at_end_ = frames == 0;
    return {};
  }

  /// The mean over the channels.
  void mix(std::span<const float> interleaved, std::size_t channels) {
    taken_ = 0;
    mono_.resize(interleaved.size() / channels);
    for (std::size_t frame = 0; frame < mono_.size(); ++frame) {
      double sum = 0;
      for (const float sample : interleaved.subspan(frame * channels, channels))
        sum += static_cast<double>(sample);
      mono_[frame] = static_cast<float>(sum / static_cast<double>(channels));
    }
  }

  Result<std::size_t> pass_on(std::span<float> out) {
    const std::size_t count = std::min(out.size(), mono_.size() - taken_);
    std::copy_n(mono_.data() + taken_, count, out.data());
    taken_ += count;
    is_drained_ = is_at_end_;
    return count;
  }

  Result<std::size_t> resample(std::span<float> out) {
    std::size_t used = 0;
    std::size_t made = 0;
    const float* in = is_at_end_ ? nullptr : mono_.data() + taken_;
    const soxr_error_t error =
        soxr_process(soxr_.get(), in, mono_.size() - taken_, &used, out.data(), out.size(), &made);
    if (error != nullptr)
      return fail(ErrorCode::kCorrupt, "cannot be resampled: " + core::quote(error));
    taken_ += used;
    is_drained_ = is_at_end_ && made < out.size();
    return made;
  }

  SoundFile file_;
  Soxr soxr_;
  std::string name_;
  std::vector<float> decoded_;
  std::vector<float> mono_;
  std::size_t taken_ = 0;  ///< of mono_
  std::uint64_t decoded_frames_ = 0;
  bool is_at_end_ = false;   ///< of the file
  bool is_drained_ = false;  ///< nothing more will come
  std::optional<Error> error_;
};

AudioReader::AudioReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;
AudioReader::~AudioReader() = default;

Result<AudioReader> AudioReader::open(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(auto source, open_file_source(path));
  WAKEBUILDER_TRY(auto impl, Impl::make(std::move(source), core::shown(path)));
  return AudioReader(std::move(impl));
}

Result<AudioReader> AudioReader::open(std::span<const std::byte> bytes, std::string name) {
  WAKEBUILDER_TRY(auto impl, Impl::make(memory_source(bytes), std::move(name)));
  return AudioReader(std::move(impl));
}

const AudioInfo& AudioReader::info() const { return impl_->info(); }

Result<std::size_t> AudioReader::read(std::span<float> out) { return impl_->read(out); }

Result<std::vector<float>> load_audio(const std::filesystem::path& path, double max_seconds) {
  WAKEBUILDER_TRY(auto reader, AudioReader::open(path));
  const double limit = max_seconds * kSampleRateHz;
  std::vector<float> samples;
  std::array<float, kPieceFrames> piece{};
  while (true) {
    WAKEBUILDER_TRY(const std::size_t count, reader.read(piece));
    if (count == 0) return samples;
    if (static_cast<double>(samples.size() + count) > limit) {
      return fail(ErrorCode::kUnsupported,
                  core::shown(path) + ": is longer than " + core::to_text(max_seconds) + " s");
    }
    samples.insert(samples.end(), piece.begin(),
                   piece.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

}  // namespace wakebuilder::audio
