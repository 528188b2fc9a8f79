// Text that people like to read: aligned columns, sizes, numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wakebuilder::cli {

/// Aligns cells in columns two blanks apart. The first row is the heading. Columns in which every
/// other cell begins with a digit, a sign or "-" are set right. Widths are counted in characters,
/// not bytes.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }

  /// Each line begins with `indent` blanks and ends with a line break.
  std::string text(std::size_t indent = 2) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "9.2 MB": decimal units, as file managers and shops count.
std::string size_text(std::uint64_t bytes);

/// "6,435,650"
std::string grouped(std::uint64_t number);

/// With so many digits behind the point: "0.84".
std::string fixed_text(double number, int digits);

/// Minutes and seconds, rounded up: "1:05".
std::string clock_text(double seconds);

/// Two significant digits: "4.7e-07", "0".
std::string difference_text(double number);

}  // namespace wakebuilder::cli
