#include "wakebuilder/pipeline/window_preview.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include "wakebuilder/audio/inversion.h"
#include "wakebuilder/audio/spectrogram.h"
#include "wakebuilder/audio/wav.h"
#include "wakebuilder/core/base64.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/core/svg.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/corpus/pieces.h"

#include "pipeline/plot_style.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using core::px;

constexpr std::size_t kMostText = 200;  ///< bytes
constexpr const char* kSheet = "contact_sheet.svg";
constexpr const char* kPage = "index.html";

/// A window as sheet and page show it.
struct Tile {
  std::string number;  ///< "01"
  bool has_word = false;
  std::string text{};     ///< printable
  std::string sound{};    ///< name of its file
  std::string picture{};  ///< data URI

  std::string kind() const { return has_word ? "word" : "other"; }
};

std::string padded(std::size_t number, std::size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

/// All but the picture.
std::vector<Tile> name_tiles(std::span<const PreviewWindow> windows) {
  const std::size_t width = std::max<std::size_t>(2, std::to_string(windows.size()).size());
  std::vector<Tile> tiles;
  for (const PreviewWindow& window : windows) {
    Tile tile{.number = padded(tiles.size() + 1, width), .has_word = window.label == 1};
    tile.text = safe(window.text, kMostText);
    tile.sound = "window_" + tile.number + "_" + tile.kind() + ".wav";
    tiles.push_back(std::move(tile));
  }
  return tiles;
}

/// What there is to see.
struct Caption {
  std::string summary, explanation;
};

Caption caption_of(std::span<const PreviewWindow> windows) {
  const auto words = std::ranges::count(windows, 1, &PreviewWindow::label);
  const std::size_t frames = windows[0].frames.size() / corpus::kBins;
  return {
      .summary = std::to_string(windows.size()) +
                 (windows.size() == 1 ? " window, " : " windows, ") + std::to_string(words) +
                 " with the wake word, framed in green.",
      .explanation = "Time to the right, " +
                     core::to_text(static_cast<double>(frames) / corpus::kFramesPerSecond) +
                     " s; frequency upwards, to 8 kHz on the mel scale; bright is the loudest of a "
                     "window, dark 52 dB below."};
}

// ---- sounds and pictures ----

/// Full scale at most.
void prevent_clipping(std::vector<float>& samples) {
  const auto size = [](float sample) { return std::abs(sample); };
  const float peak = size(std::ranges::max(samples, {}, size));
  if (peak <= 1) return;
  for (float& sample : samples) sample /= peak;
}

/// Writes the sound and draws the picture.
Result<void> make_tile(const PreviewWindow& window, std::uint64_t seed, const fs::path& folder,
                       Tile& tile) {
  auto samples = audio::invert_log_mel(window.frames, {.seed = seed});
  prevent_clipping(samples);
  WAKEBUILDER_CHECK(audio::write_wav(folder / tile.sound, samples));
  WAKEBUILDER_TRY(const std::string png, audio::spectrogram_tile_png(window.frames));
  tile.picture = "data:image/png;base64," + core::base64(png);
  return {};
}

Result<std::vector<Tile>> make_tiles(std::span<const PreviewWindow> windows,
                                     const fs::path& folder) {
  std::vector<Tile> tiles = name_tiles(windows);
  std::vector<Result<void>> done(windows.size());
  core::for_each_job(windows.size(), core::usual_threads(),
                     [&](std::size_t i) { done[i] = make_tile(windows[i], i, folder, tiles[i]); });
  for (auto& result : done) WAKEBUILDER_CHECK(std::move(result));
  return tiles;
}

// ---- the sheet ----

class Sheet {
 public:
  Sheet(std::span<const Tile> tiles, const Caption& caption) : tiles_(tiles), caption_(caption) {}

  std::string draw() {
    draw_head();
    for (std::size_t i = 0; i < tiles_.size(); ++i) draw_tile(i);
    return std::move(out_) + "</svg>\n";
  }

 private:
  static constexpr std::size_t kColumns = 10;
  static constexpr double kMargin = 20, kTop = 92;
  static constexpr double kWidth = 160, kHeight = 128;  // of a picture: a pixel for each number
  static constexpr double kColumnStep = 176, kRowStep = 184;
  static constexpr double kTextSize = 11;

  std::size_t columns() const { return std::clamp<std::size_t>(tiles_.size(), 5, kColumns); }

  void draw_head() {
    const std::size_t rows = (tiles_.size() + columns() - 1) / columns();
    const std::string width =
        px(2 * kMargin - (kColumnStep - kWidth) + static_cast<double>(columns()) * kColumnStep);
    const std::string height = px(kTop + static_cast<double>(rows) * kRowStep);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" + height +
           "\" viewBox=\"0 0 " + width + " " + height +
           "\" role=\"img\" class=\"wb-plot\">\n<title>Training windows: " +
           core::xml(caption_.summary) + "</title>\n" + style_of(3) +
           "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
    out_ += svg_text(kMargin, kTitleY, "title", "", "Training windows");
    out_ += svg_text(kMargin, kSubtitleY, "quiet key", "", caption_.summary);
    out_ += svg_text(kMargin, kSubtitleY + 18, "quiet key", "", caption_.explanation);
  }

  void draw_tile(std::size_t index) {
    const Tile& tile = tiles_[index];
    const std::size_t row = index / columns();
    const double x = kMargin + static_cast<double>(index % columns()) * kColumnStep;
    const double y = kTop + static_cast<double>(row) * kRowStep;
    const std::string place = "x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(kWidth) +
                              "\" height=\"" + px(kHeight) + "\"";
    out_ += "<g><title>" + core::xml(tile.text) + "</title>\n<image " + place +
            " preserveAspectRatio=\"none\" href=\"" + tile.picture + "\"/>\n<rect " + place +
            (tile.has_word ? " class=\"" + stroke_class(2) + "\" fill=\"none\" stroke-width=\"4\""
                           : " class=\"axis\"") +
            "/>\n";
    out_ += svg_text(x, y + kHeight + 18, "time", "", tile.number + " " + tile.kind());
    out_ += svg_text(x, y + kHeight + 33, "quiet", "", fitting(tile.text, kTextSize, kWidth));
    out_ += "</g>\n";
  }

  std::span<const Tile> tiles_;
  const Caption& caption_;
  std::string out_;
};

// ---- the page ----

constexpr std::string_view kPageHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Training windows</title>
<style>
:root { color-scheme: light dark; --word: #009e73; --line: #8b949e; }
@media (prefers-color-scheme: dark) { :root { --word: #34c79c; } }
body { margin: 1.5rem; font: 14px/1.4 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
h1 { font-size: 1.3rem; margin: 0; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 1.2rem; }
figure { margin: 0; min-width: 0; }
img { box-sizing: border-box; width: 100%; height: 154px; border: 1px solid var(--line); }
.word img { border: 4px solid var(--word); }
audio { width: 100%; height: 36px; }
figcaption { overflow-wrap: anywhere; }
</style>
</head>
<body>
)";

std::string figure_of(const Tile& tile) {
  const std::string label = tile.number + " " + tile.kind();
  return "<figure class=\"" + tile.kind() + "\">\n<img alt=\"Spectrogram of window " + label +
         "\" src=\"" + tile.picture + "\">\n<audio controls preload=\"none\" aria-label=\"Window " +
         label + "\" src=\"" + tile.sound + "\"></audio>\n<figcaption><strong>" + label +
         "</strong> " + core::xml(tile.text) + "</figcaption>\n</figure>\n";
}

std::string page_of(std::span<const Tile> tiles, const Caption& caption) {
  std::string page = std::string(kPageHead) + "<h1>Training windows</h1>\n<p>" + caption.summary +
                     " " + caption.explanation +
                     " The sounds are made from the spectrograms, which is all that training sees. "
                     "<a href=\"" +
                     kSheet + "\">All in one picture</a></p>\n<main>\n";
  for (const Tile& tile : tiles) page += figure_of(tile);
  return page + "</main>\n</body>\n</html>\n";
}

// ---- the folder ----

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::kIo,
              core::shown(folder) + ": cannot be made a folder: " + error.message());
}

Result<void> check_count(std::size_t count) {
  if (count >= 1 && count <= kMaxPreviewWindows) return {};
  return fail(ErrorCode::kInvalidArgument, "a preview: expected 1 to " +
                                               std::to_string(kMaxPreviewWindows) +
                                               " windows, found " + std::to_string(count));
}

}  // namespace

Result<PreviewReport> write_preview(std::span<const PreviewWindow> windows,
                                    const fs::path& folder) {
  WAKEBUILDER_CHECK(check_count(windows.size()));
  for (const PreviewWindow& window : windows) {
    const std::size_t numbers = window.frames.size();
    WAKEBUILDER_EXPECT(numbers > 0 && numbers % corpus::kBins == 0 &&
                       numbers == windows[0].frames.size());
  }
  WAKEBUILDER_CHECK(make_folder(folder));
  WAKEBUILDER_TRY(const std::vector<Tile> tiles, make_tiles(windows, folder));
  const Caption caption = caption_of(windows);
  WAKEBUILDER_CHECK(core::write_file(folder / kSheet, Sheet(tiles, caption).draw()));
  WAKEBUILDER_CHECK(core::write_file(folder / kPage, page_of(tiles, caption)));
  return PreviewReport{
      .folder = folder, .sounds = tiles.size(), .picture = folder / kSheet, .page = folder / kPage};
}

}  // namespace wakebuilder::pipeline
