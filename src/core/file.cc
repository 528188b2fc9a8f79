#include "wakebuilder/core/file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::core {
namespace {

namespace fs = std::filesystem;

std::string shown(const fs::path& path) { return quote(path.string(), 400); }

std::string reason(int error) {
  return std::strerror(error);
}  // NOLINT(concurrency-mt-unsafe): glibc's is

/// Closes a file descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

tl::unexpected<Error> open_error(const fs::path& path, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return fail(ErrorCode::kNotFound, shown(path) + ": no such file");
  }
  return fail(ErrorCode::kIo, shown(path) + ": cannot be read: " + reason(error));
}

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

/// ".jarvis.onnx." for "models/jarvis.onnx": what the names of its staged files begin with.
std::string staged_prefix(const fs::path& target) { return "." + target.filename().string() + "."; }

constexpr std::string_view kStagedSuffix = ".tmp";

bool is_staged_name(const std::string& name, const std::string& prefix) {
  return name.size() == prefix.size() + 6 + kStagedSuffix.size() && name.starts_with(prefix) &&
         name.ends_with(kStagedSuffix);
}

/// Removes what killed processes left: staged files for `target` whose lock nobody holds.
void remove_abandoned(const fs::path& target) {
  const std::string prefix = staged_prefix(target);
  std::error_code error;
  for (fs::directory_iterator it(folder_of(target), error), end; !error && it != end;
       it.increment(error)) {
    if (!is_staged_name(it->path().filename().string(), prefix)) continue;
    const Descriptor file(::open(it->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.get() >= 0 && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
      ::unlink(it->path().c_str());
  }
}

/// The mode of the file that is replaced, or what the umask gives a new one.
mode_t mode_for(const fs::path& target) {
  struct stat status {};
  if (::stat(target.c_str(), &status) == 0) return status.st_mode & 07777U;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666U & ~mask;
}

tl::unexpected<Error> write_error(const fs::path& target, int error) {
  return fail(ErrorCode::kIo, shown(target) + ": cannot be written: " + reason(error));
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return open_error(path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return open_error(path, errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kUnsupported, shown(path) + ": expected a file, found " +
                                             (S_ISDIR(status.st_mode) ? "a folder" : "a device"));
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<const MappedFile>(new MappedFile({}));
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) return open_error(path, errno);
  return std::shared_ptr<const MappedFile>(
      new MappedFile({static_cast<const std::byte*>(address), size}));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()),
             bytes_.size());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  }
}

Result<std::string> read_text(const fs::path& path) {
  WAKEBUILDER_TRY(const auto file, MappedFile::open(path));
  return std::string(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
}

StagedFile::StagedFile(fs::path target, fs::path staged, int descriptor)
    : target_(std::move(target)), staged_(std::move(staged)), descriptor_(descriptor) {}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : target_(std::move(other.target_)),
      staged_(std::move(other.staged_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

StagedFile& StagedFile::operator=(StagedFile&& other) noexcept {
  if (this != &other) {
    discard();
    target_ = std::move(other.target_);
    staged_ = std::move(other.staged_);
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

StagedFile::~StagedFile() { discard(); }

void StagedFile::discard() noexcept {
  if (descriptor_ < 0) return;
  ::unlink(staged_.c_str());
  ::close(std::exchange(descriptor_, -1));
}

Result<StagedFile> StagedFile::create(const fs::path& target) {
  if (!target.has_filename()) {
    return fail(ErrorCode::kInvalidArgument,
                "expected a file name to write, found \"" + shown(target) + "\"");
  }
  struct stat status {};
  if (::stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kInvalidArgument,
                shown(target) + ": expected a file to write, found a folder or a device");
  }
  remove_abandoned(target);
  std::string name =
      (folder_of(target) / (staged_prefix(target) + "XXXXXX" + std::string(kStagedSuffix)))
          .string();
  const int descriptor =
      ::mkostemps(name.data(), static_cast<int>(kStagedSuffix.size()), O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return fail(ErrorCode::kNotFound, shown(target) + ": its folder is not there");
    }
    return write_error(target, errno);
  }
  StagedFile file(target, name, descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno != ENOLCK && errno != EOPNOTSUPP) {
    return write_error(target, errno);
  }
  return file;
}

Result<void> StagedFile::write(std::span<const std::byte> bytes) {
  WAKEBUILDER_EXPECT(descriptor_ >= 0);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return write_error(target_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> StagedFile::publish() {
  WAKEBUILDER_EXPECT(descriptor_ >= 0);
  if (::fchmod(descriptor_, mode_for(target_)) != 0 || ::fsync(descriptor_) != 0 ||
      ::rename(staged_.c_str(), target_.c_str()) != 0) {
    return write_error(target_, errno);
  }
  ::close(std::exchange(descriptor_, -1));
  return {};
}

Result<void> write_file(const fs::path& path, std::string_view text) {
  WAKEBUILDER_TRY(auto file, StagedFile::create(path));
  WAKEBUILDER_CHECK(file.write(text));
  return file.publish();
}

}  // namespace wakebuilder::core
