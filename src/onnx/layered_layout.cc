#include "onnx/layered_layout.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::onnx {
namespace {

constexpr double kBoxGap = 26;   // between boxes of a layer
constexpr double kBendGap = 14;  // between lines
constexpr double kBendWidth = 2;
constexpr double kLayerGap = 44;  // between layers
constexpr int kSweeps = 16;
constexpr int kPlacings = 60;
// Beyond this, long edges run straight: a hostile graph could ask for nodes * nodes of them.
constexpr std::size_t kMaxBends = 20000;

using Index = std::size_t;
using Lists = std::vector<std::vector<Index>>;

/// Kahn's algorithm; what is left of cycles follows in the given order.
std::vector<Index> topological_order(const Lists& below, std::vector<std::size_t> waiting) {
  std::vector<Index> order;
  std::vector<bool> placed(below.size(), false);
  const auto place = [&](Index box) {
    placed[box] = true;
    order.push_back(box);
  };
  const auto follow = [&](std::size_t from) {
    for (; from < order.size(); ++from) {
      for (const Index next : below[order[from]]) {
        if (--waiting[next] == 0 && !placed[next]) place(next);
      }
    }
  };
  for (Index box = 0; box < below.size(); ++box) {
    if (waiting[box] == 0) place(box);
  }
  follow(0);
  for (Index box = 0; box < below.size(); ++box) {
    if (placed[box]) continue;
    const std::size_t from = order.size();
    place(box);
    follow(from);
  }
  return order;
}

/// Mean squared distance to wanted places, kept apart: pool adjacent violators.
std::vector<double> closest_increasing(const std::vector<double>& wanted,
                                       const std::vector<double>& weight) {
  struct Block {
    double sum;
    double weight;
    std::size_t size;
    double mean() const { return sum / weight; }
  };
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    blocks.push_back({wanted[i] * weight[i], weight[i], 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean() > blocks.back().mean()) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back().sum += last.sum;
      blocks.back().weight += last.weight;
      blocks.back().size += last.size;
    }
  }
  std::vector<double> places;
  for (const Block& block : blocks) places.insert(places.end(), block.size, block.mean());
  return places;
}

/// Inversions of a sequence by merge sort.
std::size_t inversions(std::vector<std::size_t>& values) {
  if (values.size() < 2) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::vector<std::size_t> left(values.begin(), middle);
  std::vector<std::size_t> right(middle, values.end());
  std::size_t count = inversions(left) + inversions(right);
  std::size_t l = 0;
  std::size_t r = 0;
  for (std::size_t& value : values) {
    const bool take_left = r == right.size() || (l < left.size() && left[l] <= right[r]);
    if (!take_left) count += left.size() - l;
    value = take_left ? left[l++] : right[r++];
  }
  return count;
}

class Layouter {
 public:
  Layouter(std::span<const BoxSize> boxes, std::span<const LayoutEdge> edges)
      : edges_(edges), sizes_(boxes.begin(), boxes.end()), box_count_(boxes.size()) {}

  Layout run() {
    choose_edges();
    assign_layers();
    insert_bends();
    sequence_layers();
    place();
    return result();
  }

 private:
  void choose_edges() {
    Lists below(box_count_);
    std::vector<std::size_t> waiting(box_count_, 0);
    for (const LayoutEdge& edge : edges_) {
      WAKEBUILDER_EXPECT(edge.from < box_count_ && edge.to < box_count_);
      if (edge.from == edge.to) continue;
      below[edge.from].push_back(edge.to);
      ++waiting[edge.to];
    }
    order_ = topological_order(below, std::move(waiting));
    std::vector<std::size_t> rank(box_count_);
    for (std::size_t i = 0; i < order_.size(); ++i) rank[order_[i]] = i;
    for (Index e = 0; e < edges_.size(); ++e) {
      if (rank[edges_[e].from] < rank[edges_[e].to]) forward_.push_back(e);
    }
  }

  void assign_layers() {
    above_.assign(box_count_, {});
    below_.assign(box_count_, {});
    for (const Index e : forward_) {
      below_[edges_[e].from].push_back(edges_[e].to);
      above_[edges_[e].to].push_back(edges_[e].from);
    }
    layer_.assign(box_count_, 0);
    for (const Index box : order_) {
      for (const Index next : below_[box]) layer_[next] = std::max(layer_[next], layer_[box] + 1);
    }
    for (auto box = order_.rbegin(); box != order_.rend(); ++box) slide_down(*box);
  }

  void slide_down(Index box) {
    if (below_[box].size() <= above_[box].size()) return;
    std::size_t lowest = layer_[below_[box].front()];
    for (const Index next : below_[box]) lowest = std::min(lowest, layer_[next]);
    layer_[box] = lowest - 1;
  }

  void insert_bends() {
    above_.assign(box_count_, {});
    below_.assign(box_count_, {});
    bends_of_.resize(edges_.size());
    for (const Index e : forward_) {
      Index last = edges_[e].from;
      const std::size_t end = layer_[edges_[e].to];
      const bool many = sizes_.size() - box_count_ + end > kMaxBends + layer_[last];
      for (std::size_t layer = layer_[last] + 1; layer < end && !many; ++layer) {
        const Index bend = add_bend(layer);
        connect(last, bend);
        bends_of_[e].push_back(bend);
        last = bend;
      }
      connect(last, edges_[e].to);
    }
  }

  Index add_bend(std::size_t layer) {
    sizes_.push_back({kBendWidth, 0});
    layer_.push_back(layer);
    above_.emplace_back();
    below_.emplace_back();
    return sizes_.size() - 1;
  }

  void connect(Index from, Index to) {
    below_[from].push_back(to);
    above_[to].push_back(from);
  }

  // --- sequence ---

  void sequence_layers() {
    const std::size_t count =
        layer_.empty() ? 0 : 1 + *std::max_element(layer_.begin(), layer_.end());
    layers_.assign(count, {});
    place_in_layer_.assign(sizes_.size(), 0);
    fill_layers_depth_first();
    Lists best = layers_;
    std::size_t fewest = crossings();
    for (int sweep = 0; sweep < kSweeps && fewest > 0; ++sweep) {
      sort_layers(sweep % 2 == 0);
      const std::size_t now = crossings();
      if (now < fewest) {
        fewest = now;
        best = layers_;
      }
    }
    layers_ = std::move(best);
    number_layers();
  }

  // Neighbours of the first sequence are what a reader of the graph meets one after the other.
  void fill_layers_depth_first() {
    std::vector<bool> seen(sizes_.size(), false);
    std::vector<Index> stack;
    const auto visit_from = [&](Index root) {
      stack.push_back(root);
      while (!stack.empty()) {
        const Index box = stack.back();
        stack.pop_back();
        if (seen[box]) continue;
        seen[box] = true;
        layers_[layer_[box]].push_back(box);
        stack.insert(stack.end(), below_[box].rbegin(), below_[box].rend());
      }
    };
    for (const Index box : order_) visit_from(box);
    number_layers();
  }

  void number_layers() {
    for (const auto& layer : layers_) {
      for (std::size_t i = 0; i < layer.size(); ++i) place_in_layer_[layer[i]] = i;
    }
  }

  void sort_layers(bool downwards) {
    const auto sort_layer = [&](std::vector<Index>& layer) {
      std::vector<std::pair<double, Index>> keyed;
      keyed.reserve(layer.size());
      for (const Index box : layer) {
        keyed.emplace_back(mean_place(box, downwards ? above_ : below_), box);
      }
      std::stable_sort(keyed.begin(), keyed.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      for (std::size_t i = 0; i < layer.size(); ++i) {
        layer[i] = keyed[i].second;
        place_in_layer_[layer[i]] = i;
      }
    };
    if (downwards) {
      std::for_each(layers_.begin(), layers_.end(), sort_layer);
    } else {
      std::for_each(layers_.rbegin(), layers_.rend(), sort_layer);
    }
  }

  double mean_place(Index box, const Lists& neighbours) const {
    const auto& list = neighbours[box];
    if (list.empty()) return static_cast<double>(place_in_layer_[box]);
    double sum = 0;
    for (const Index other : list) sum += static_cast<double>(place_in_layer_[other]);
    return sum / static_cast<double>(list.size());
  }

  std::size_t crossings() const {
    std::size_t count = 0;
    for (const auto& layer : layers_) {
      std::vector<std::size_t> ends;
      for (const Index box : layer) {
        std::vector<std::size_t> places;
        for (const Index next : below_[box]) places.push_back(place_in_layer_[next]);
        std::sort(places.begin(), places.end());
        ends.insert(ends.end(), places.begin(), places.end());
      }
      count += inversions(ends);
    }
    return count;
  }

  // --- places ---

  bool is_bend(Index box) const { return box >= box_count_; }

  double distance(Index left, Index right) const {
    const double gap = is_bend(left) || is_bend(right) ? kBendGap : kBoxGap;
    return sizes_[left].width / 2 + gap + sizes_[right].width / 2;
  }

  void place() {
    x_.assign(sizes_.size(), 0);
    for (const auto& layer : layers_) {
      double x = 0;
      for (std::size_t i = 0; i < layer.size(); ++i) {
        if (i > 0) x += distance(layer[i - 1], layer[i]);
        x_[layer[i]] = x;
      }
    }
    for (int round = 0; round < kPlacings; ++round) {
      const bool downwards = round % 2 == 0;
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        const auto& layer = layers_[downwards ? i : layers_.size() - 1 - i];
        place_layer(layer, downwards, round >= kPlacings / 2);
      }
    }
  }

  /// @param both  look at the neighbours above and below, else at those above (`downwards`) or
  /// below
  void place_layer(const std::vector<Index>& layer, bool downwards, bool both) {
    std::vector<double> wanted;
    std::vector<double> weight;
    double offset = 0;
    for (std::size_t i = 0; i < layer.size(); ++i) {
      if (i > 0) offset += distance(layer[i - 1], layer[i]);
      wanted.push_back(wanted_place(layer[i], downwards, both) - offset);
      weight.push_back(is_bend(layer[i]) ? 4 : 1);
    }
    const auto places = closest_increasing(wanted, weight);
    offset = 0;
    for (std::size_t i = 0; i < layer.size(); ++i) {
      if (i > 0) offset += distance(layer[i - 1], layer[i]);
      x_[layer[i]] = places[i] + offset;
    }
  }

  double wanted_place(Index box, bool downwards, bool both) const {
    double sum = 0;
    double weights = 0;
    const auto add = [&](const std::vector<Index>& neighbours) {
      for (const Index other : neighbours) {
        // Long lines are straight before anything else.
        const double weight = is_bend(box) && is_bend(other) ? 8 : 1;
        sum += weight * x_[other];
        weights += weight;
      }
    };
    if (both || downwards) add(above_[box]);
    if (both || !downwards) add(below_[box]);
    return weights == 0 ? x_[box] : sum / weights;
  }

  // --- result ---

  struct Extent {
    double top = 0;
    double bottom = 0;
  };

  std::vector<Extent> layer_extents() const {
    std::vector<Extent> extents;
    double y = 0;
    for (const auto& layer : layers_) {
      double tallest = 0;
      for (const Index box : layer) tallest = std::max(tallest, sizes_[box].height);
      extents.push_back({y, y + tallest});
      y += tallest + kLayerGap;
    }
    return extents;
  }

  /// Left and right border of all that is placed.
  std::pair<double, double> borders() const {
    if (sizes_.empty()) return {0, 0};
    std::pair<double, double> found = {x_[0], x_[0]};
    for (Index box = 0; box < sizes_.size(); ++box) {
      const double half = sizes_[box].width / 2;
      found = {std::min(found.first, x_[box] - half), std::max(found.second, x_[box] + half)};
    }
    return found;
  }

  Layout result() const {
    const auto extents = layer_extents();
    const auto [left, right] = borders();
    Layout layout;
    layout.width = right - left;
    layout.height = extents.empty() ? 0 : extents.back().bottom;
    for (Index box = 0; box < box_count_; ++box) {
      const Extent& layer = extents[layer_[box]];
      layout.centers.push_back({x_[box] - left, layer.top + sizes_[box].height / 2});
      layout.floors.push_back(layer.bottom);
    }
    layout.bends.resize(edges_.size());
    for (Index e = 0; e < edges_.size(); ++e) {
      for (const Index bend : bends_of_[e]) {
        layout.bends[e].push_back({x_[bend] - left, extents[layer_[bend]].top});
        layout.bends[e].push_back({x_[bend] - left, extents[layer_[bend]].bottom});
      }
    }
    return layout;
  }

  std::span<const LayoutEdge> edges_;
  std::vector<BoxSize> sizes_;  ///< boxes, then bends
  std::size_t box_count_;
  std::vector<Index> order_;
  std::vector<Index> forward_;  ///< edges along the order
  std::vector<std::size_t> layer_;
  Lists above_;
  Lists below_;
  Lists bends_of_;  ///< per edge
  Lists layers_;
  std::vector<std::size_t> place_in_layer_;
  std::vector<double> x_;
};

}  // namespace

Layout lay_out(std::span<const BoxSize> boxes, std::span<const LayoutEdge> edges) {
  return Layouter(boxes, edges).run();
}

}  // namespace wakebuilder::onnx
