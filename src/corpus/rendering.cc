#include "wakebuilder/corpus/rendering.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "wakebuilder/core/sha256.h"
#include "wakebuilder/corpus/clip.h"

namespace wakebuilder::corpus {
namespace {

namespace fs = std::filesystem;

using Part = std::span<const Line>;

/// Of all that the frames of a part depend on.
std::string key_of(Part part) {
  std::string text = "wakebuilder pieces 1\n";
  for (const Line& line : part) {
    text += std::string(to_string(line.piece.kind)) + "\n" + line.piece.text + "\n";
    text += speech::fingerprint_of(*line.job.voice, line.job.utterance) + "\n";
  }
  return core::sha256_hex(std::as_bytes(std::span(text)));
}

fs::path file_of(const fs::path& cache, Part part) {
  return cache.empty() ? fs::path() : cache / (key_of(part) + ".safetensors");
}

/// A part that was kept; what cannot be read counts as not there.
std::shared_ptr<const Pieces> find(const fs::path& file) {
  std::error_code error;
  if (file.empty() || !fs::exists(file, error)) return nullptr;
  auto pieces = Pieces::load(file);
  if (!pieces) {
    fs::remove(file, error);
    return nullptr;
  }
  fs::last_write_time(file, fs::file_time_type::clock::now(), error);
  return std::make_shared<const Pieces>(*std::move(pieces));
}

class Renderer {
 public:
  Renderer(const Script& script, const RenderOptions& options)
      : options_(options), all_(script.size()) {}

  /// Looks the part up, or says it.
  void add(Part part) {
    const fs::path file = file_of(options_.cache, part);
    auto pieces = find(file);
    if (!pieces) pieces = say(part, file);
    if (pieces->size() > 0) rendered_.parts.push_back(std::move(pieces));
    done_ += part.size();
    tell(done_, std::nullopt);
  }

  bool is_stopped() const { return options_.is_stopped && options_.is_stopped(); }

  Rendered finish() { return std::move(rendered_); }

 private:
  void tell(std::size_t done, std::optional<double> seconds_left) const {
    if (options_.on_progress)
      options_.on_progress({.done = done, .all = all_, .seconds_left = seconds_left});
  }

  void take(const Line& line, const speech::Rendering& rendering, Pieces& pieces) {
    const auto clip = rendering ? trimmed(*rendering) : std::nullopt;
    const Frames frames = clip ? log_mel(*clip) : Frames();
    if (frames.empty()) {
      if (rendered_.failed++ == 0)
        rendered_.first_failure = rendering ? "found silence" : rendering.error().message;
      return;
    }
    pieces.add(line.piece, frames);
    if (options_.on_clip) options_.on_clip(line.piece, *clip);
  }

  std::shared_ptr<const Pieces> say(Part part, const fs::path& file) {
    std::vector<speech::Job> jobs;
    for (const Line& line : part) jobs.push_back(line.job);
    Pieces pieces;
    const std::size_t failed_before = rendered_.failed;
    const speech::SynthesisOptions options = {
        .threads = options_.threads,
        .on_progress = [&](const auto& progress) { tell_of_part(progress); },
        .is_stopped = options_.is_stopped};
    speech::synthesise_each(jobs, options, [&](std::size_t index, const auto& rendering) {
      take(part[index], rendering, pieces);
    });
    const bool is_whole = rendered_.failed == failed_before || !is_stopped();
    if (!file.empty() && is_whole && pieces.size() > 0 && !is_stopped())
      static_cast<void>(pieces.save(file));
    return std::make_shared<const Pieces>(std::move(pieces));
  }

  /// The rest of the script takes as long as what was said.
  void tell_of_part(const speech::SynthesisProgress& progress) {
    const std::size_t done = done_ + progress.done;
    std::optional<double> left;
    if (progress.seconds_left && progress.done > 0 && progress.done < progress.all)
      left = *progress.seconds_left * static_cast<double>(all_ - done) /
             static_cast<double>(progress.all - progress.done);
    tell(done, left);
  }

  const RenderOptions& options_;
  std::size_t all_;
  std::size_t done_ = 0;
  Rendered rendered_;
};

}  // namespace

Result<Rendered> render(const Script& script, const RenderOptions& options) {
  Renderer renderer(script, options);
  for (std::size_t begin = 0; begin < script.size(); begin += kLinesOfAPart) {
    const std::size_t count = std::min(kLinesOfAPart, script.size() - begin);
    renderer.add(Part(script).subspan(begin, count));
    if (renderer.is_stopped()) return fail(ErrorCode::kIo, "stopped");
  }
  Rendered rendered = renderer.finish();
  if (!rendered.parts.empty() || script.empty()) return rendered;
  return fail(ErrorCode::kUnavailable,
              "expected speech, but no voice said anything; the first: " + rendered.first_failure);
}

}  // namespace wakebuilder::corpus
