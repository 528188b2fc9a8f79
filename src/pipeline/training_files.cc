#include "wakebuilder/pipeline/training_files.h"
namespace wakebuilder::pipeline {
core::Value to_metadata(const TrainingRecord& record) {
  core::List l;
  for (auto& p : record.threshold_analysis)
    l.push_back(
        core::Dict{{"threshold", p.threshold}, {"fa", p.false_accepts_per_hour}, {"frr", p.frr}});
  core::List c;
  for (auto& s : record.confused) c.push_back(core::Dict{{"t", s.text}, {"s", s.score}});
  core::List m;
  for (auto& s : record.missed) m.push_back(core::Dict{{"t", s.voice}, {"s", s.score}});
  core::List st;
  for (auto& s : record.stages) st.push_back(core::Dict{{"t", s.stage}, {"s", s.seconds}});
  return core::Dict{{"wake_word", record.wake_word},
                    {"threshold", record.threshold},
                    {"stages", st},
                    {"analysis", l},
                    {"confused", c},
                    {"missed", m},
                    {"hours", record.negative_hours},
                    {"failed", static_cast<std::int64_t>(record.data.failed)}};
}
core::Value to_history(const TrainingRecord&) { return core::List{}; }
std::string training_html(const TrainingRecord&) { return "<html></html>"; }
}  // namespace wakebuilder::pipeline
