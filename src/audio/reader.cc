#include "wakebuilder/audio/reader.h"

#include <algorithm>
#include <array>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"

#include "audio/finite.h"
#include "audio/resampler.h"
#include "audio/sound_file.h"

namespace wakebuilder::audio {
namespace {

constexpr std::size_t kPieceFrames = 4096;

}  // namespace

/// decoded -> mono -> (resampler) -> out. `mono_` waits until the resampler has taken it.
class AudioReader::Impl {
 public:
  static Result<std::unique_ptr<Impl>> make(std::unique_ptr<ByteSource> source, std::string name) {
    auto file = SoundFile::open(std::move(source));
    if (!file) return fail_in(name, std::move(file).error());
    auto resampler = Resampler::make(file->info().sample_rate_hz);
    if (!resampler) return fail_in(name, std::move(resampler).error());
    return std::unique_ptr<Impl>(
        new Impl(*std::move(file), *std::move(resampler), std::move(name)));
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
  Impl(SoundFile file, Resampler resampler, std::string name)
      : file_(std::move(file)),
        resampler_(std::move(resampler)),
        name_(std::move(name)),
        decoded_(kPieceFrames * static_cast<std::size_t>(file_.info().channels)) {
    mono_.reserve(kPieceFrames);
  }

  Result<std::size_t> read_some(std::span<float> out) {
    if (taken_ == mono_.size() && !is_at_end_) WAKEBUILDER_CHECK(decode());
    return is_at_end_ ? finish(out) : pass_on(out);
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
    taken_ = 0;
    mono_.resize(frames);
    mix(fresh, channels, mono_);
    decoded_frames_ += frames;
    is_at_end_ = frames == 0;
    return {};
  }

  Result<std::size_t> pass_on(std::span<float> out) {
    WAKEBUILDER_TRY(const auto step, resampler_.process(std::span(mono_).subspan(taken_), out));
    taken_ += step.used;
    return step.made;
  }

  Result<std::size_t> finish(std::span<float> out) {
    WAKEBUILDER_TRY(const std::size_t made, resampler_.finish(out));
    is_drained_ = made < out.size();
    return made;
  }

  SoundFile file_;
  Resampler resampler_;
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
