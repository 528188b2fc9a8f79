#include "wakebuilder/speech/cache.h"

#include <cstdlib>
#include <set>
#include <string>
#include <thread>

#include "wakebuilder/speech/installed_voices.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::speech {
namespace {

namespace fs = std::filesystem;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;

const std::vector<float> kSamples = {0.0F, 1 / 32768.0F, -1.0F, 32767 / 32768.0F, -0.5F};

std::string key(char digit) { return std::string(64, digit); }

Cache opened(const CacheOptions& options) {
  auto cache = Cache::open(options);
  EXPECT_THAT(cache, IsOk());
  return *std::move(cache);
}

fs::path file_of(const TemporaryFolder& folder, char digit) {
  return folder.path() / std::string(2, digit) / std::string(62, digit);
}

TEST(Cache, GivesBackWhatItKeptAlsoToAnother) {
  const TemporaryFolder folder;
  const Cache cache = opened({.folder = folder.path()});
  EXPECT_EQ(cache.find(key('a')), std::nullopt);
  cache.keep(key('a'), kSamples);
  EXPECT_EQ(cache.find(key('a')), kSamples);
  EXPECT_EQ(opened({.folder = folder.path()}).find(key('a')), kSamples);
  EXPECT_EQ(cache.find(key('b')), std::nullopt);
}

TEST(Cache, ForgetsADamagedEntry) {
  const TemporaryFolder folder;
  const Cache cache = opened({.folder = folder.path()});
  cache.keep(key('a'), kSamples);
  const std::string whole = test::read(file_of(folder, 'a'));
  ASSERT_EQ(whole.size(), 21U + 65U + 10U);
  std::string changed = whole;
  changed.back() = static_cast<char>(changed.back() + 1);
  for (const std::string& damaged :
       {changed, whole.substr(0, whole.size() - 2), std::string("x"), std::string()}) {
    test::write(file_of(folder, 'a'), damaged);
    EXPECT_EQ(cache.find(key('a')), std::nullopt);
    EXPECT_FALSE(fs::exists(file_of(folder, 'a')));
  }
  cache.keep(key('a'), kSamples);
  EXPECT_EQ(cache.find(key('a')), kSamples);
}

TEST(Cache, RemovesTheLongestUnusedFirst) {
  const TemporaryFolder folder;
  const Cache cache = opened({.folder = folder.path(), .max_bytes = 350});  // three of 96 bytes
  const auto now = fs::file_time_type::clock::now();
  for (const char digit : {'a', 'b', 'c'}) {
    cache.keep(key(digit), kSamples);
    fs::last_write_time(file_of(folder, digit), now - std::chrono::minutes('z' - digit));
  }
  EXPECT_EQ(cache.find(key('a')), kSamples);  // used now
  cache.keep(key('d'), kSamples);
  EXPECT_FALSE(fs::exists(file_of(folder, 'b')));
  for (const char digit : {'a', 'c', 'd'}) EXPECT_TRUE(fs::exists(file_of(folder, digit))) << digit;
}

TEST(Cache, RemovesWhatAKilledProcessLeft) {
  const TemporaryFolder folder;
  const fs::path old = folder.path() / "aa" / "old.1-0.tmp";
  const fs::path fresh = folder.path() / "aa" / "fresh.2-0.tmp";
  test::write(old, "x");
  test::write(fresh, "x");
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  opened({.folder = folder.path()}).keep(key('b'), kSamples);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh));
}

TEST(Cache, IsSafeForSeveralWritersAtOnce) {
  const TemporaryFolder folder;
  const auto work = [&] {
    const Cache cache = opened({.folder = folder.path(), .max_bytes = 500});
    for (int round = 0; round < 40; ++round) {
      for (const char digit : {'a', 'b', 'c', 'd', 'e', 'f'}) {
        cache.keep(key(digit), kSamples);
        EXPECT_EQ(cache.find(key(digit)).value_or(kSamples), kSamples);
      }
    }
  };
  std::thread other(work);
  work();
  other.join();
}

TEST(Cache, DoesNothingWhenItIsNotUsed) {
  const TemporaryFolder folder;
  const Cache cache = opened({.is_used = false, .folder = folder / "cache"});
  cache.keep(key('a'), kSamples);
  EXPECT_EQ(cache.find(key('a')), std::nullopt);
  EXPECT_FALSE(fs::exists(folder / "cache"));
}

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

TEST(Cache, IsWhereXdgSays) {
  const Variable home("HOME", "/home/somebody");
  {
    const Variable xdg("XDG_CACHE_HOME", "/caches");
    EXPECT_EQ(usual_cache_folder(), fs::path("/caches/wakebuilder/speech"));
  }
  const Variable relative("XDG_CACHE_HOME", "relative");
  EXPECT_EQ(usual_cache_folder(), fs::path("/home/somebody/.cache/wakebuilder/speech"));
  const Variable none("HOME", "");
  EXPECT_THAT(usual_cache_folder(), HasError(ErrorCode::kNotFound, "found neither"));
}

TEST(Cache, SaysWhyThereIsNoFolder) {
  const TemporaryFolder folder;
  test::write(folder / "file", "");
  EXPECT_THAT(Cache::open({.folder = folder / "file" / "cache"}),
              HasError(ErrorCode::kIo, "expected a folder for the cache"));
}

TEST(CacheKey, DiffersInEveryPart) {
  const auto slt = find_voice("slt");
  const auto rms = find_voice("rms");
  ASSERT_THAT(slt, IsOk());
  ASSERT_THAT(rms, IsOk());
  const std::vector<std::string> keys = {cache_key(**slt, {.text = "a"}),
                                         cache_key(**rms, {.text = "a"}),
                                         cache_key(**slt, {.text = "b"}),
                                         cache_key(**slt, {.text = "", .phonemes = "a"}),
                                         cache_key(**slt, {.text = "a", .pitch = 1.1}),
                                         cache_key(**slt, {.text = "a", .intonation = 1.1}),
                                         cache_key(**slt, {.text = "a", .speed = 1.1}),
                                         cache_key(**slt, {.text = "a", .word_gap_ms = 10})};
  EXPECT_EQ(keys[0].size(), 64U);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size());
}

}  // namespace
}  // namespace wakebuilder::speech
