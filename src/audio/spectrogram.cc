#include "wakebuilder/audio/spectrogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <vector>

#include <png.h>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/expect.h"

namespace wakebuilder::audio {
namespace {

struct Colour {
  std::uint8_t red, green, blue;
};

/// Equal steps look equal: lightness in CIELAB rises evenly from 8 to 96 while the hue turns from
/// violet by red to yellow.
constexpr std::size_t kColours = 256;

double gamma_encoded(double linear) {
  linear = std::clamp(linear, 0.0, 1.0);
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

std::uint8_t to_byte(double linear) {
  return static_cast<std::uint8_t>(std::lround(255.0 * gamma_encoded(linear)));
}

/// CIELAB (D65) to sRGB, IEC 61966-2-1.
Colour from_lab(double lightness, double a, double b) {
  const auto inverse = [](double t) {
    constexpr double kEdge = 6.0 / 29.0;
    return t > kEdge ? t * t * t : 3.0 * kEdge * kEdge * (t - 4.0 / 29.0);
  };
  const double y = (lightness + 16.0) / 116.0;
  const double cie_x = 0.95047 * inverse(y + a / 500.0);
  const double cie_y = inverse(y);
  const double cie_z = 1.08883 * inverse(y - b / 200.0);
  return {to_byte(3.2406 * cie_x - 1.5372 * cie_y - 0.4986 * cie_z),
          to_byte(-0.9689 * cie_x + 1.8758 * cie_y + 0.0415 * cie_z),
          to_byte(0.0557 * cie_x - 0.2040 * cie_y + 1.0570 * cie_z)};
}

std::array<Colour, kColours> make_colours() {
  constexpr double kPi = 3.14159265358979323846;
  std::array<Colour, kColours> colours{};
  for (std::size_t i = 0; i < kColours; ++i) {
    const double t = static_cast<double>(i) / (kColours - 1);
    const double hue = (-60.0 + 160.0 * t) * kPi / 180.0;
    const double chroma = 18.0 + 62.0 * std::sin(kPi * std::min(1.0, 0.1 + 0.8 * t));
    colours[i] = from_lab(8.0 + 88.0 * t, chroma * std::cos(hue), chroma * std::sin(hue));
  }
  return colours;
}

// ---- letters ----

struct Glyph {
  char letter;
  std::array<std::uint8_t, 7> rows;  // 5 bits each, the leftmost is 16
};

constexpr std::array<Glyph, 16> kGlyphs = {{
    {'0', {14, 17, 19, 21, 25, 17, 14}},
    {'1', {4, 12, 4, 4, 4, 4, 14}},
    {'2', {14, 17, 1, 6, 8, 16, 31}},
    {'3', {31, 2, 4, 2, 1, 17, 14}},
    {'4', {2, 6, 10, 18, 31, 2, 2}},
    {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},
    {'7', {31, 1, 2, 4, 8, 8, 8}},
    {'8', {14, 17, 17, 14, 17, 17, 14}},
    {'9', {14, 17, 17, 15, 1, 2, 12}},
    {'.', {0, 0, 0, 0, 0, 12, 12}},
    {'k', {16, 16, 18, 20, 24, 20, 18}},
    {'H', {17, 17, 17, 31, 17, 17, 17}},
    {'z', {0, 0, 31, 2, 4, 8, 31}},
    {'s', {0, 0, 15, 16, 14, 1, 30}},
    {' ', {0, 0, 0, 0, 0, 0, 0}},
}};
constexpr std::size_t kGlyphWidth = 6;  // with the gap
constexpr std::size_t kGlyphHeight = 7;

// ---- the picture ----

constexpr std::size_t kBinPixels = 3;
constexpr std::size_t kTextScale = 2;
constexpr std::size_t kLeft = 92;
constexpr std::size_t kRight = 40;
constexpr std::size_t kTop = 20;
constexpr std::size_t kBottom = 40;
constexpr std::size_t kTick = 6;
constexpr Colour kPaper{255, 255, 255};
constexpr Colour kInk{40, 40, 40};

class Canvas {
 public:
  Canvas(std::size_t width, std::size_t height) : width_(width), pixels_(width * height, kPaper) {}

  std::size_t width() const { return width_; }
  std::size_t height() const { return pixels_.size() / width_; }
  const Colour* row(std::size_t y) const { return pixels_.data() + y * width_; }

  void fill(std::size_t x, std::size_t y, std::size_t width, std::size_t height, Colour colour) {
    for (std::size_t j = y; j < std::min(y + height, this->height()); ++j) {
      for (std::size_t i = x; i < std::min(x + width, width_); ++i)
        pixels_[j * width_ + i] = colour;
    }
  }

  void letter(std::size_t x, std::size_t y, const Glyph& glyph) {
    for (std::size_t row = 0; row < kGlyphHeight; ++row) {
      for (std::size_t column = 0; column < 5; ++column) {
        if ((unsigned{glyph.rows[row]} >> (4 - column) & 1U) == 0) continue;
        fill(x + column * kTextScale, y + row * kTextScale, kTextScale, kTextScale, kInk);
      }
    }
  }

  void text(std::size_t x, std::size_t y, const std::string& text) {
    for (const char letter_of_text : text) {
      const auto found = std::ranges::find(kGlyphs, letter_of_text, &Glyph::letter);
      WAKEBUILDER_EXPECT(found != kGlyphs.end());
      letter(x, y, *found);
      x += kGlyphWidth * kTextScale;
    }
  }

 private:
  std::size_t width_;
  std::vector<Colour> pixels_;
};

std::size_t text_width(const std::string& text) { return text.size() * kGlyphWidth * kTextScale; }

/// Fewer frames are drawn wider.
std::size_t frame_pixels(std::size_t frames) {
  return std::clamp<std::size_t>(900 / frames, 1, 12);
}

constexpr double kRange = 12.0;

/// Which colours numbers have: the brightest at `loudest`, the darkest `range` below it.
struct Shades {
  double loudest, range, scale;

  Colour of(float value) const {
    static const auto kPalette = make_colours();
    const double below = (loudest - static_cast<double>(value)) * scale;
    const double level = std::clamp(1.0 - below / range, 0.0, 1.0);
    return kPalette[static_cast<std::size_t>(level * (kColours - 1))];
  }
};

/// Where numbers are drawn, and how large.
struct Grid {
  std::size_t left = 0, top = 0, wide = 1, high = 1;
};

void draw_energies(Canvas& canvas, std::span<const float> features, const Shades& shades,
                   const Grid& grid) {
  for (std::size_t i = 0; i < features.size(); ++i) {
    const std::size_t frame = i / kMelBins;
    const std::size_t row = kMelBins - 1 - i % kMelBins;
    canvas.fill(grid.left + frame * grid.wide, grid.top + row * grid.high, grid.wide, grid.high,
                shades.of(features[i]));
  }
}

Shades shades_of(std::span<const float> features, double scale) {
  const auto [low, high] = std::ranges::minmax_element(features);
  const auto loudest = static_cast<double>(*high);
  const double range = (loudest - static_cast<double>(*low)) * scale;
  return {.loudest = loudest, .range = std::clamp(range, 1e-3, kRange), .scale = scale};
}

/// The pixel row of a frequency: bin b's middle is its filter's centre.
std::size_t row_of(double hz) {
  const auto mel = [](double f) { return 1127.0 * std::log(1.0 + f / 700.0); };
  const double step = (mel(kHighHz) - mel(kLowHz)) / static_cast<double>(kMelBins + 1);
  const double bin = (mel(hz) - mel(kLowHz)) / step - 1.0;
  const double from_top = (static_cast<double>(kMelBins) - 0.5 - bin) * kBinPixels;
  const auto bottom = static_cast<double>(kMelBins * kBinPixels - 1);
  return kTop + static_cast<std::size_t>(std::clamp(from_top, 0.0, bottom));
}

void draw_frequencies(Canvas& canvas) {
  struct Label {
    double hz;
    const char* text;
  };
  constexpr std::array<Label, 7> kLabels = {{{125, "125 Hz"},
                                             {250, "250 Hz"},
                                             {500, "500 Hz"},
                                             {1000, "1 kHz"},
                                             {2000, "2 kHz"},
                                             {4000, "4 kHz"},
                                             {8000, "8 kHz"}}};
  for (const Label& label : kLabels) {
    const std::size_t y = row_of(label.hz);
    canvas.fill(kLeft - kTick, y, kTick, 1, kInk);
    const std::string text = label.text;
    canvas.text(kLeft - kTick - 4 - text_width(text), y - kGlyphHeight * kTextScale / 2, text);
  }
}

std::string tick_text(std::size_t hundredths) {
  const std::string fraction = std::to_string(100 + hundredths % 100).substr(1);
  std::string text = std::to_string(hundredths / 100);
  if (hundredths % 100 != 0) text += "." + fraction;
  if (text.size() > 2 && text.back() == '0' && text.find('.') != std::string::npos) text.pop_back();
  return text;
}

/// Hundredths of a second between ticks: about one in 90 pixels.
std::size_t tick_step(std::size_t wide) {
  for (const std::size_t step : {1U, 2U, 5U, 10U, 20U, 50U, 100U, 200U, 500U}) {
    if (step * wide >= 90) return step;
  }
  return 1000;
}

void draw_times(Canvas& canvas, std::size_t frames) {
  const std::size_t wide = frame_pixels(frames);
  const std::size_t bottom = kTop + kMelBins * kBinPixels;
  for (std::size_t i = 0; i <= frames; i += tick_step(wide)) {
    const std::size_t x = kLeft + i * wide;
    canvas.fill(x, bottom, 1, kTick, kInk);
    const std::string text = i == 0 ? "0 s" : tick_text(i);
    canvas.text(x - text_width(tick_text(i)) / 2, bottom + kTick + 4, text);
  }
}

// ---- libpng ----

void append(png_structp png, png_bytep bytes, png_size_t count) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(bytes), count);
}
void flush(png_structp /*png*/) {}
void warn(png_structp /*png*/, png_const_charp /*words*/) {}

/// Nothing with a destructor between setjmp and the last call of libpng.
bool write_rows(png_structp png, png_infop info, const Canvas& canvas) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;  // NOLINT(cert-err52-cpp): libpng's way
  png_set_IHDR(png, info, static_cast<png_uint_32>(canvas.width()),
               static_cast<png_uint_32>(canvas.height()), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (std::size_t y = 0; y < canvas.height(); ++y) {
    png_write_row(png, reinterpret_cast<png_const_bytep>(canvas.row(y)));
  }
  png_write_end(png, nullptr);
  return true;
}

Result<std::string> encode(const Canvas& canvas) {
  static_assert(sizeof(Colour) == 3);
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, warn);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  bool is_written = false;
  if (info != nullptr) {
    png_set_write_fn(png, &bytes, append, flush);
    is_written = write_rows(png, info, canvas);
  }
  png_destroy_write_struct(&png, &info);
  if (!is_written) return fail(ErrorCode::kIo, "the picture cannot be made: libpng failed");
  return bytes;
}

Result<void> check_length(std::span<const float> features) {
  WAKEBUILDER_EXPECT(!features.empty() && features.size() % kMelBins == 0);
  const std::size_t frames = features.size() / kMelBins;
  if (frames <= kMaxPictureFrames) return {};
  return fail(ErrorCode::kUnsupported, "a picture shows at most " +
                                           std::to_string(kMaxPictureFrames) + " frames, found " +
                                           std::to_string(frames));
}

}  // namespace

Result<std::string> spectrogram_png(std::span<const float> features, double scale) {
  WAKEBUILDER_CHECK(check_length(features));
  const std::size_t frames = features.size() / kMelBins;
  const std::size_t wide = frame_pixels(frames);
  Canvas canvas(kLeft + frames * wide + kRight, kTop + kMelBins * kBinPixels + kBottom);
  draw_energies(canvas, features, shades_of(features, scale),
                {.left = kLeft, .top = kTop, .wide = wide, .high = kBinPixels});
  draw_frequencies(canvas);
  draw_times(canvas, frames);
  return encode(canvas);
}

Result<std::string> spectrogram_tile_png(std::span<const float> log_mel) {
  WAKEBUILDER_CHECK(check_length(log_mel));
  const auto loudest = static_cast<double>(std::ranges::max(log_mel));
  Canvas canvas(log_mel.size() / kMelBins, kMelBins);
  draw_energies(
      canvas, log_mel,
      {.loudest = std::max(loudest, kLogMelFloor + kRange), .range = kRange, .scale = 1.0}, {});
  return encode(canvas);
}

}  // namespace wakebuilder::audio
