// Many pieces of speech, to draw from.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/corpus/pieces.h"
#include "wakebuilder/corpus/random.h"

namespace wakebuilder::corpus {

/// Pieces are drawn by their group of voices first, as each group weighs, then within it.
class Bank {
 public:
  void add(Place place);

  /// A single piece. @param frames  as Pieces::add()
  void add(Kind kind, const std::string& group, std::span<const float> frames,
           const std::string& text = "");

  /// @param weight  of the group, at least 0; 1 for groups that are not named
  void set_weight(const std::string& group, double weight);

  /// Pieces of a kind.
  std::size_t count(Kind kind) const;
  /// Of all pieces.
  std::uint64_t frames() const { return frames_; }

  /// A piece of a kind. @pre count(kind) > 0, else std::logic_error
  const Place& draw(Kind kind, Random& random) const;

 private:
  struct Group {
    std::string name;
    std::vector<Place> places;
  };
  const Group& draw_group(Kind kind, Random& random) const;
  double weight_of(const Group& group) const;

  std::array<std::vector<Group>, kKinds> groups_;
  std::vector<std::pair<std::string, double>> weights_;
  std::uint64_t frames_ = 0;
};

}  // namespace wakebuilder::corpus
