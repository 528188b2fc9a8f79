#include "wakebuilder/onnx/svg.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "wakebuilder/core/svg.h"

#include "onnx/layered_layout.h"
#include "onnx/scene.h"

namespace wakebuilder::onnx {
namespace {

using core::px;
using core::text_width;
using core::xml;

constexpr double kMargin = 24;
constexpr double kTitleHeight = 52;
constexpr double kHeaderHeight = 24;
constexpr double kNameHeight = 16;
constexpr double kLineHeight = 15;
constexpr double kFrameMargin = 12;
constexpr double kPortGap = 16;
constexpr double kDetour = 120;

// One background for light pages and one for dark ones; the colours of the kinds carry white text
// on both.
constexpr std::string_view kStyle = R"(<style>
.wb-graph text {
  font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-size: 11px; fill: #24292f;
}
.wb-graph .page { fill: #ffffff; }
.wb-graph .title { font-size: 16px; font-weight: 600; }
.wb-graph .quiet { fill: #6a737d; }
.wb-graph .body { fill: #f6f8fa; stroke: #c9d1d9; }
.wb-graph .pill { fill: #eef1f4; stroke: #8b949e; }
.wb-graph .head { font-size: 12px; font-weight: 600; fill: #ffffff; }
.wb-graph .name { font-style: italic; fill: #6a737d; }
.wb-graph .line { fill: none; stroke: #8b949e; stroke-width: 1.2; }
.wb-graph .back { stroke-dasharray: 4 3; stroke: #cf222e; }
.wb-graph .tip { fill: #8b949e; }
.wb-graph .label {
  font-size: 10px; fill: #57606a; stroke: #ffffff; stroke-width: 3; paint-order: stroke;
  stroke-linejoin: round;
}
.wb-graph .frame {
  fill: #0969da; fill-opacity: 0.05; stroke: #0969da; stroke-opacity: 0.35;
  stroke-dasharray: 3 3;
}
.wb-graph .scope { font-size: 11px; font-weight: 600; fill: #0969da; }
.wb-graph .layer { fill: #2f6fb3; }
.wb-graph .activation { fill: #b3433f; }
.wb-graph .normalisation { fill: #3a8355; }
.wb-graph .shape { fill: #8a6d3b; }
.wb-graph .arithmetic { fill: #5b6570; }
.wb-graph .reduction { fill: #7a5ea8; }
.wb-graph .quantisation { fill: #a8518f; }
.wb-graph .control { fill: #b8651b; }
.wb-graph .other { fill: #2b7f86; }
@media (prefers-color-scheme: dark) {
.wb-graph text { fill: #d7dde4; }
.wb-graph .page { fill: #0f1419; }
.wb-graph .quiet, .wb-graph .name { fill: #9aa4ae; }
.wb-graph .body { fill: #1b222a; stroke: #3b4652; }
.wb-graph .pill { fill: #252d36; stroke: #6b7682; }
.wb-graph .head { fill: #ffffff; }
.wb-graph .line { stroke: #6b7682; }
.wb-graph .back { stroke: #f85149; }
.wb-graph .tip { fill: #6b7682; }
.wb-graph .label { fill: #b4bec8; stroke: #0f1419; }
.wb-graph .frame { fill: #58a6ff; stroke: #58a6ff; }
.wb-graph .scope { fill: #79b8ff; }
}
</style>
)";

std::string_view class_of(BoxKind kind) {
  switch (kind) {
    case BoxKind::kInput:
    case BoxKind::kOutput:
      return "pill";
    case BoxKind::kLayer:
      return "layer";
    case BoxKind::kActivation:
      return "activation";
    case BoxKind::kNormalisation:
      return "normalisation";
    case BoxKind::kShape:
      return "shape";
    case BoxKind::kArithmetic:
      return "arithmetic";
    case BoxKind::kReduction:
      return "reduction";
    case BoxKind::kQuantisation:
      return "quantisation";
    case BoxKind::kControl:
      return "control";
    case BoxKind::kOther:
      break;
  }
  return "other";
}

// --- boxes ---

bool is_pill(const SceneBox& box) {
  return box.kind == BoxKind::kInput || box.kind == BoxKind::kOutput;
}

BoxSize size_of(const SceneBox& box) {
  double width = text_width(box.title, is_pill(box) ? 12 : 12.6);
  width = std::max(width, text_width(box.name, 11));
  for (const std::string& line : box.lines) width = std::max(width, text_width(line, 11));
  const double lines = static_cast<double>(box.lines.size()) * kLineHeight;
  if (is_pill(box)) return {width + 36, 26 + lines};
  const double name = box.name.empty() ? 0 : kNameHeight;
  const double body = name + lines;
  return {std::max(70.0, width + 24), kHeaderHeight + (body > 0 ? body + 8 : 0)};
}

struct Rect {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

class Drawing {
 public:
  explicit Drawing(const Scene& scene) : scene_(scene) {
    for (const SceneBox& box : scene.boxes) sizes_.push_back(size_of(box));
    std::vector<LayoutEdge> edges;
    for (const SceneEdge& edge : scene.edges) edges.push_back({edge.from, edge.to});
    layout_ = lay_out(sizes_, edges);
  }

  double width() const {
    const double title = std::max(text_width(scene_.title, 17), text_width(scene_.subtitle, 12));
    return std::max(layout_.width + (has_cycles() ? 2 * kDetour : 0), title) + 2 * kMargin +
           2 * kFrameMargin;
  }
  double height() const { return layout_.height + kTitleHeight + 2 * kMargin; }

  /// @param top, total_width  the place of this drawing in the document
  std::string draw(double top, double total_width) {
    top_ = top + kTitleHeight + kMargin;
    left_ = (total_width - layout_.width) / 2;
    draw_title(top, total_width);
    draw_frames();
    find_ports();
    for (std::size_t e = 0; e < scene_.edges.size(); ++e) draw_line(e);
    for (std::size_t b = 0; b < scene_.boxes.size(); ++b) draw_box(b);
    draw_labels();
    return std::move(out_);
  }

 private:
  Point center(std::size_t box) const {
    return {layout_.centers[box].x + left_, layout_.centers[box].y + top_};
  }

  Rect rect(std::size_t box) const {
    const auto [x, y] = center(box);
    const auto [width, height] = sizes_[box];
    return {x - width / 2, y - height / 2, x + width / 2, y + height / 2};
  }

  void text(double x, double y, std::string_view classes, std::string_view content,
            bool middle = false) {
    out_ += "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"";
    if (!classes.empty()) out_ += " class=\"" + std::string(classes) + "\"";
    if (middle) out_ += " text-anchor=\"middle\"";
    out_ += ">" + xml(content) + "</text>\n";
  }

  void rectangle(const Rect& r, std::string_view classes, double radius) {
    out_ += "<rect x=\"" + px(r.left) + "\" y=\"" + px(r.top) + "\" width=\"" +
            px(r.right - r.left) + "\" height=\"" + px(r.bottom - r.top) + "\" rx=\"" + px(radius) +
            "\" class=\"" + std::string(classes) + "\"/>\n";
  }

  void draw_title(double top, double total_width) {
    text(total_width / 2, top + 28, "title", scene_.title, true);
    text(total_width / 2, top + 46, "quiet", scene_.subtitle, true);
  }

  // --- frames ---

  void draw_frames() {
    std::map<std::string, std::vector<std::size_t>> scopes;
    for (std::size_t b = 0; b < scene_.boxes.size(); ++b) {
      if (!scene_.boxes[b].scope.empty()) scopes[scene_.boxes[b].scope].push_back(b);
    }
    for (const auto& [scope, boxes] : scopes) draw_frame(scope, boxes);
  }

  /// Only where the frame holds no box of another scope.
  void draw_frame(const std::string& scope, const std::vector<std::size_t>& boxes) {
    if (boxes.size() < 2) return;
    Rect frame = rect(boxes.front());
    for (const std::size_t box : boxes) {
      const Rect r = rect(box);
      frame = {std::min(frame.left, r.left), std::min(frame.top, r.top),
               std::max(frame.right, r.right), std::max(frame.bottom, r.bottom)};
    }
    frame = {frame.left - kFrameMargin, frame.top - kFrameMargin - 6, frame.right + kFrameMargin,
             frame.bottom + kFrameMargin};
    for (std::size_t b = 0; b < scene_.boxes.size(); ++b) {
      const Rect r = rect(b);
      const bool apart = r.right <= frame.left || r.left >= frame.right || r.bottom <= frame.top ||
                         r.top >= frame.bottom;
      if (scene_.boxes[b].scope != scope && !apart) return;
    }
    rectangle(frame, "frame", 10);
    text(frame.left + 8, frame.top + 13, "scope", scope);
  }

  // --- lines ---

  /// Lines leave and enter a box side by side, in the order of what is at their other end.
  void find_ports() {
    leaving_.assign(scene_.edges.size(), {});
    entering_.assign(scene_.edges.size(), {});
    std::vector<std::vector<std::size_t>> out_edges(scene_.boxes.size());
    std::vector<std::vector<std::size_t>> in_edges(scene_.boxes.size());
    for (std::size_t e = 0; e < scene_.edges.size(); ++e) {
      out_edges[scene_.edges[e].from].push_back(e);
      in_edges[scene_.edges[e].to].push_back(e);
    }
    for (std::size_t b = 0; b < scene_.boxes.size(); ++b) {
      const Rect r = rect(b);
      spread(
          out_edges[b], [&](std::size_t e) { return next_x(e, true); }, r, r.bottom, leaving_);
      spread(
          in_edges[b], [&](std::size_t e) { return next_x(e, false); }, r, r.top, entering_);
    }
  }

  double next_x(std::size_t edge, bool leaving) const {
    const auto& bends = layout_.bends[edge];
    if (bends.empty()) return center(leaving ? scene_.edges[edge].to : scene_.edges[edge].from).x;
    return (leaving ? bends.front() : bends.back()).x + left_;
  }

  template <class Key>
  static void spread(std::vector<std::size_t>& edges, const Key& key, const Rect& box, double y,
                     std::vector<Point>& ports) {
    std::stable_sort(edges.begin(), edges.end(),
                     [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    const auto count = static_cast<double>(edges.size());
    const double gap = std::min(kPortGap, (box.right - box.left - 16) / std::max(1.0, count));
    double x = (box.left + box.right) / 2 - gap * (count - 1) / 2;
    for (const std::size_t edge : edges) {
      ports[edge] = {x, y};
      x += gap;
    }
  }

  bool has_cycles() const {
    return std::any_of(scene_.edges.begin(), scene_.edges.end(), [&](const SceneEdge& edge) {
      return layout_.centers[edge.to].y <= layout_.centers[edge.from].y;
    });
  }

  bool goes_down(std::size_t edge) const { return entering_[edge].y > leaving_[edge].y; }

  /// From the box down to the floor of its layer, from layer to layer, and to the other box.
  std::vector<Point> points_of(std::size_t edge) const {
    const double floor = layout_.floors[scene_.edges[edge].from] + top_;
    std::vector<Point> points = {leaving_[edge]};
    if (goes_down(edge) && floor > leaving_[edge].y) points.push_back({leaving_[edge].x, floor});
    for (const Point bend : layout_.bends[edge]) points.push_back({bend.x + left_, bend.y + top_});
    points.push_back(entering_[edge]);
    return points;
  }

  void draw_line(std::size_t edge) {
    std::vector<Point> points = points_of(edge);
    const Point end = points.back();
    points.back().y -= 5;
    std::string path = "M" + px(points[0].x) + " " + px(points[0].y);
    if (goes_down(edge)) {
      for (std::size_t i = 1; i < points.size(); ++i) path += curve(points[i - 1], points[i]);
    } else {
      path += detour(points.front(), points.back());
    }
    out_ += std::string("<path class=\"line") + (goes_down(edge) ? "" : " back") + "\" d=\"" +
            path + "\"><title>" + xml(scene_.edges[edge].tooltip) + "</title></path>\n";
    out_ += "<path class=\"tip\" d=\"M" + px(end.x) + " " + px(end.y) + "l-3.5 -7h7z\"/>\n";
  }

  /// Up again, around the boxes between.
  static std::string detour(Point from, Point to) {
    const double side = std::max(from.x, to.x) + kDetour;
    return "C" + px(side) + " " + px(from.y + 70) + " " + px(side) + " " + px(to.y - 70) + " " +
           px(to.x) + " " + px(to.y);
  }

  /// Vertical at both ends.
  static std::string curve(Point from, Point to) {
    if (std::abs(from.x - to.x) < 0.5) return "L" + px(to.x) + " " + px(to.y);
    const double reach = (to.y - from.y) / 2;
    return "C" + px(from.x) + " " + px(from.y + reach) + " " + px(to.x) + " " + px(to.y - reach) +
           " " + px(to.x) + " " + px(to.y);
  }

  /// A label per value, on the first of its lines.
  void draw_labels() {
    std::map<std::pair<std::size_t, std::string>, std::size_t> first;
    for (std::size_t e = 0; e < scene_.edges.size(); ++e) {
      const SceneEdge& edge = scene_.edges[e];
      if (!edge.label.empty() && goes_down(e)) first.emplace(std::pair(edge.from, edge.tooltip), e);
    }
    for (const auto& [value, e] : first) draw_label(e);
  }

  /// Where the line has left the box a little.
  void draw_label(std::size_t edge) {
    const std::vector<Point> points = points_of(edge);
    const double y = points[0].y + 17;
    std::size_t i = 1;
    while (i + 1 < points.size() && points[i].y < y) ++i;
    const Point from = points[i - 1];
    const Point to = points[i];
    const double share = to.y > from.y ? std::clamp((y - from.y) / (to.y - from.y), 0.0, 1.0) : 0.5;
    const double eased = share * share * (3 - 2 * share);
    text(from.x + (to.x - from.x) * eased, y + 3, "label", scene_.edges[edge].label, true);
  }

  // --- boxes ---

  void draw_box(std::size_t index) {
    const SceneBox& box = scene_.boxes[index];
    out_ += "<g>";
    if (!box.tooltip.empty()) out_ += "<title>" + xml(box.tooltip) + "</title>";
    out_ += "\n";
    is_pill(box) ? draw_pill(box, rect(index)) : draw_node(box, rect(index));
    out_ += "</g>\n";
  }

  void draw_pill(const SceneBox& box, const Rect& r) {
    rectangle(r, "pill", std::min(20.0, (r.bottom - r.top) / 2));
    double y = r.top + 17;
    text((r.left + r.right) / 2, y, "", box.title, true);
    for (const std::string& line : box.lines)
      text((r.left + r.right) / 2, y += kLineHeight, "quiet", line, true);
  }

  void draw_node(const SceneBox& box, const Rect& r) {
    const double middle = (r.left + r.right) / 2;
    rectangle(r, "body", 5);
    const bool has_body = r.bottom - r.top > kHeaderHeight;
    draw_header(r, class_of(box.kind), has_body);
    text(middle, r.top + 16.5, "head", box.title, true);
    double y = r.top + kHeaderHeight + 1;
    if (!box.name.empty()) text(middle, (y += kNameHeight) - 2, "name", box.name, true);
    for (const std::string& line : box.lines) text(r.left + 10, y += kLineHeight, "", line);
  }

  /// Round above, and below too where nothing follows.
  void draw_header(const Rect& r, std::string_view kind, bool has_body) {
    const std::string width = px(r.right - r.left);
    if (!has_body) return rectangle(r, kind, 5);
    out_ += "<path class=\"" + std::string(kind) + "\" d=\"M" + px(r.left) + " " +
            px(r.top + kHeaderHeight) + "v" + px(5 - kHeaderHeight) + "a5 5 0 0 1 5 -5h" +
            px(r.right - r.left - 10) + "a5 5 0 0 1 5 5v" + px(kHeaderHeight - 5) + "z\"/>\n";
  }

  const Scene& scene_;
  std::vector<BoxSize> sizes_;
  Layout layout_;
  double left_ = 0;
  double top_ = 0;
  std::vector<Point> leaving_;
  std::vector<Point> entering_;
  std::string out_;
};

/// The graph and its subgraphs, outer ones first.
void collect(const GraphProto& graph, std::vector<const GraphProto*>& graphs) {
  graphs.push_back(&graph);
  for (const NodeProto& node : graph.nodes) {
    for (const AttributeProto& attribute : node.attributes) {
      for (const GraphProto& subgraph : attribute.graphs) collect(subgraph, graphs);
    }
  }
}

Scene too_large(std::size_t nodes) {
  Scene scene;
  scene.title = std::to_string(nodes) + " nodes are too many to draw";
  scene.subtitle = "at most " + std::to_string(kMaxDrawnNodes);
  return scene;
}

std::vector<Scene> scenes_of(const GraphProto& graph, std::span<const ValueInfoProto> types) {
  std::vector<const GraphProto*> graphs;
  collect(graph, graphs);
  std::size_t boxes = 0;
  for (const GraphProto* part : graphs)
    boxes += 1 + part->nodes.size() + part->inputs.size() + part->outputs.size();
  if (boxes > kMaxDrawnNodes) return {too_large(boxes)};
  std::vector<Scene> scenes;
  scenes.reserve(graphs.size());
  for (const GraphProto* part : graphs) scenes.push_back(scene_of(*part, types));
  return scenes;
}

}  // namespace

std::string to_svg(const GraphProto& graph, std::span<const ValueInfoProto> types) {
  const std::vector<Scene> scenes = scenes_of(graph, types);
  std::vector<Drawing> drawings(scenes.begin(), scenes.end());
  double width = 0;
  double height = 0;
  for (const Drawing& drawing : drawings) {
    width = std::max(width, drawing.width());
    height += drawing.height();
  }
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(width) +
                    "\" height=\"" + px(height) + "\" viewBox=\"0 0 " + px(width) + " " +
                    px(height) + "\" role=\"img\" class=\"wb-graph\">\n" + std::string(kStyle) +
                    "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
  double top = 0;
  for (Drawing& drawing : drawings) {
    svg += drawing.draw(top, width);
    top += drawing.height();
  }
  return svg + "</svg>\n";
}

}  // namespace wakebuilder::onnx
