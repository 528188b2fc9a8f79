// Compares every #include with the table of modules, since system headers are visible to every
// target and the linker therefore does not notice a module that reaches past its neighbours.

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <ostream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

struct Module {
  std::set<std::string> may_include;  // other modules
  std::vector<std::string> owns;      // regular expressions: third-party headers of its sources
  std::vector<std::string> owns_publicly = {};  // the same, also of its public headers
};

// The table. A module may always include itself.
const std::map<std::string, Module>& table() {
  static const std::map<std::string, Module> modules = {
      {"core", {{}, {"nlohmann/.*", "openssl/.*"}}},
      {"audio",
       {{"core"},
        {"sndfile\\.h", "soxr\\.h", "kiss_fftr\\.h", "png\\.h", "portaudio\\.h", "alsa/.*"}}},
      {"checkpoint", {{"core"}, {"zlib\\.h"}}},
      {"model", {{"core", "audio"}, {}}},
      {"onnx", {{"core", "audio", "model"}, {"onnx/.*", "google/protobuf/.*"}}},
      {"speech", {{"core", "audio"}, {"flite/.*"}}},
      {"corpus", {{"core", "audio", "checkpoint", "speech"}, {}}},
      {"train", {{"core", "checkpoint", "model"}, {"torch/.*"}}},
      {"runtime", {{"core", "audio"}, {"onnxruntime_c_api\\.h"}}},
      {"pipeline",
       {{"core", "audio", "checkpoint", "corpus", "model", "onnx", "speech", "runtime"}, {}}},
      {"cli", {{"core", "audio", "runtime", "pipeline"}, {"CLI/.*"}}},
      {"capi", {{"core", "audio", "runtime", "pipeline"}, {}, {"stddef\\.h", "stdint\\.h"}}},
  };
  return modules;
}

// What belongs to nobody: the standard library, C++ (<vector>) and POSIX. Public headers may
// use the former and tl::expected.
const std::regex& standard_header() {
  static const std::regex pattern("[a-z_0-9]+");
  return pattern;
}
const std::regex& system_header() {
  static const std::regex pattern(
      "(sys/[a-z]+|dlfcn|fcntl|unistd|poll|sched|signal|spawn|time)\\.h");
  return pattern;
}

// The interface to C, which is in no folder of its own.
constexpr const char* kCHeader = "wakebuilder/wakebuilder.h";

bool is_any_of(const std::string& header, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns)
    if (std::regex_match(header, std::regex(pattern))) return true;
  return false;
}

struct Source {
  std::string module;
  bool is_public = false;
  std::string path;  // for messages
};

// An empty text when `source` may include `header`, else the reason.
std::string violation(const Source& source, const std::string& header, bool quoted) {
  const auto owner = table().find(source.module);
  if (owner == table().end()) return "module " + source.module + " is not in the table";
  if (quoted && header == kCHeader)
    return source.module == "capi" ? "" : "the interface to C in C++";
  if (quoted) {
    static const std::regex ours("(wakebuilder/)?([a-z_0-9]+)/.*");
    std::smatch match;
    if (!std::regex_match(header, match, ours)) return "not written as module/file.h";
    if (source.is_public && !match[1].matched) return "a private header in a public one";
    const std::string target = match[2];
    if (target == source.module) return "";
    if (table().count(target) == 0) return "module " + target + " is not in the table";
    if (!match[1].matched) return "a private header of the module " + target;
    return owner->second.may_include.count(target) != 0
               ? ""
               : source.module + " may not include " + target;
  }
  if (std::regex_match(header, standard_header()) || header == "tl/expected.hpp") return "";
  if (is_any_of(header, owner->second.owns_publicly)) return "";
  if (source.is_public) return "a third-party or system header in a public one";
  if (std::regex_match(header, system_header())) return "";
  if (is_any_of(header, owner->second.owns)) return "";
  return "not a header that " + source.module + " owns";
}

std::vector<std::string> violations_in(const Source& source, std::istream& text) {
  static const std::regex include("\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"].*");
  std::vector<std::string> found;
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    std::smatch match;
    if (!std::regex_match(line, match, include)) continue;
    const std::string reason = violation(source, match[2], match[1] == "\"");
    if (reason.empty()) continue;
    found.push_back(source.path + ":" + std::to_string(number) + ": " + match[2].str() + ": " +
                    reason);
  }
  return found;
}

// Every violation below `folder`, which holds one folder per module.
std::vector<std::string> violations_below(const fs::path& folder, bool is_public) {
  std::vector<std::string> found;
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string kind = entry.path().extension();
    if (kind != ".h" && kind != ".cc") continue;
    const fs::path inside = fs::relative(entry.path(), folder);
    std::ifstream text(entry.path());
    const std::string module = inside.has_parent_path() ? inside.begin()->string() : "capi";
    for (std::string& line : violations_in({module, is_public, entry.path()}, text)) {
      found.push_back(std::move(line));
    }
  }
  return found;
}

TEST(IncludeTable, HoldsForSources) {
  EXPECT_THAT(violations_below(fs::path(WAKEBUILDER_SOURCE_DIR) / "src", false),
              testing::IsEmpty());
}

TEST(IncludeTable, HoldsForPublicHeaders) {
  EXPECT_THAT(violations_below(fs::path(WAKEBUILDER_SOURCE_DIR) / "include/wakebuilder", true),
              testing::IsEmpty());
}

struct Case {
  std::string name;
  std::string module;
  bool is_public;
  std::string line;
  std::string complaint;  // empty: allowed
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class IncludeTableCase : public testing::TestWithParam<Case> {};

TEST_P(IncludeTableCase, IsJudged) {
  const Case& c = GetParam();
  std::istringstream text("#pragma once\n" + c.line + "\n");
  const auto found = violations_in({c.module, c.is_public, "file.h"}, text);
  if (c.complaint.empty()) {
    EXPECT_THAT(found, testing::IsEmpty());
  } else {
    EXPECT_THAT(found, testing::ElementsAre(testing::AllOf(testing::StartsWith("file.h:2: "),
                                                           testing::HasSubstr(c.complaint))));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, IncludeTableCase,
    testing::Values(
        Case{"Standard", "core", true, "#include <vector>", ""},
        Case{"Expected", "core", true, "#include <tl/expected.hpp>", ""},
        Case{"Posix", "core", false, "#include <sys/mman.h>", ""},
        Case{"PosixInPublic", "core", true, "#include <sys/mman.h>", "in a public one"},
        Case{"OwnLibrary", "core", false, "  # include <nlohmann/json.hpp> // why", ""},
        Case{"LibraryInPublic", "core", true, "#include <nlohmann/json.hpp>", "in a public one"},
        Case{"LibraryOfAnother", "checkpoint", false, "#include <nlohmann/json.hpp>",
             "not a header that checkpoint owns"},
        Case{"Below", "onnx", false, "#include \"wakebuilder/model/head.h\"", ""},
        Case{"Above", "model", false, "#include \"wakebuilder/onnx/graph.h\"",
             "model may not include onnx"},
        Case{"Beside", "onnx", true, "#include \"wakebuilder/checkpoint/checkpoint.h\"",
             "onnx may not include checkpoint"},
        Case{"OwnPrivate", "model", false, "#include \"model/fold.h\"", ""},
        Case{"OwnPrivateInPublic", "model", true, "#include \"model/fold.h\"",
             "a private header in a public one"},
        Case{"PrivateOfAnother", "onnx", false, "#include \"model/fold.h\"",
             "a private header of the module model"},
        Case{"Bare", "model", false, "#include \"fold.h\"", "not written as module/file.h"},
        Case{"CHeader", "capi", false, "#include \"wakebuilder/wakebuilder.h\"", ""},
        Case{"CHeaderInCpp", "cli", false, "#include \"wakebuilder/wakebuilder.h\"",
             "the interface to C in C++"},
        Case{"COfItsOwn", "capi", true, "#include <stdint.h>", ""},
        Case{"CInPublic", "core", true, "#include <stdint.h>", "in a public one"},
        Case{"UnknownModule", "helpers", false, "#include <vector>", "not in the table"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
