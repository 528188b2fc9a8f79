#include "wakebuilder/core/cache_folder.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::core {
namespace {

namespace fs = std::filesystem;
using test::HasError;

/// Set while it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(CacheFolder, IsWhereXdgSays) {
  const Variable home("HOME", "/home/somebody");
  {
    const Variable xdg("XDG_CACHE_HOME", "/caches");
    EXPECT_EQ(cache_folder("pieces"), fs::path("/caches/wakebuilder/pieces"));
  }
  const Variable relative("XDG_CACHE_HOME", "relative");
  EXPECT_EQ(cache_folder("pieces"), fs::path("/home/somebody/.cache/wakebuilder/pieces"));
  const Variable none("HOME", "");
  EXPECT_THAT(cache_folder("pieces"), HasError(ErrorCode::kNotFound, "found neither"));
}

TEST(CacheFolder, IsMadeOrIsNone) {
  const test::TemporaryFolder folder;
  const Variable xdg("XDG_CACHE_HOME", folder.path().string());
  EXPECT_EQ(made_cache_folder("pieces"), folder / "wakebuilder/pieces");
  EXPECT_TRUE(fs::is_directory(folder / "wakebuilder/pieces"));
  std::ofstream(folder / "wakebuilder/file") << "x";
  EXPECT_EQ(made_cache_folder("file/below"), fs::path());
}

TEST(ShrinkCache, RemovesTheLongestUnusedFirst) {
  const test::TemporaryFolder cache;
  for (const char* name : {"a", "b", "c"}) {
    const auto file = cache / (std::string(name) + ".safetensors");
    std::ofstream(file) << std::string(1000, 'x');
  }
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(cache / "b.safetensors", now - std::chrono::hours(2));
  shrink_cache(cache.path(), 2000);
  EXPECT_EQ(cache.names(), (std::vector<std::string>{"a.safetensors", "c.safetensors"}));
}

}  // namespace
}  // namespace wakebuilder::core
