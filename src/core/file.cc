#include "wakebuilder/core/file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wakebuilder/core/descriptor.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::core {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
  return std::strerror(error);
}  // NOLINT(concurrency-mt-unsafe): glibc's is

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

/// The umask, read without setting it: umask(2) would change it for other threads meanwhile.
mode_t current_umask() {
  constexpr std::string_view kLabel = "Umask:\t";
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kLabel))
      return static_cast<mode_t>(std::strtoul(line.c_str() + kLabel.size(), nullptr, 8));
  }
  return 022;
}

/// The mode of the file that is replaced, or what the umask gives a new one.
mode_t mode_for(const fs::path& target) {
  struct stat status {};
  if (::stat(target.c_str(), &status) == 0) return status.st_mode & 07777U;
  return 0666U & ~current_umask();
}

/// Waits for the lock of a file that this process has just made; 0, or the error.
int lock(int descriptor) {
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno == ENOLCK || errno == EOPNOTSUPP) return 0;  // a file system without locks
    if (errno != EINTR) return errno;
  }
  return 0;
}

/// False when another writer's sweep removed the file before it was locked.
bool is_still_there(int descriptor, const fs::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

tl::unexpected<Error> write_error(const fs::path& target, int error) {
  return fail(ErrorCode::kIo, shown(target) + ": cannot be written: " + reason(error));
}

}  // namespace

std::string shown(const fs::path& path) { return quote(path.string(), 400); }

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

void MappedFile::release_pages() const {
  if (bytes_.empty()) return;
  // Never written, so nothing is lost (madvise(2): "repopulating the memory contents from the
  // up-to-date contents of the underlying mapped file").
  ::madvise(const_cast<std::byte*>(bytes_.data()),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
            bytes_.size(), MADV_DONTNEED);
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
  for (;;) {
    WAKEBUILDER_TRY(StagedFile file, make(target));
    if (const int error = lock(file.descriptor_); error != 0) return write_error(target, error);
    if (is_still_there(file.descriptor_, file.staged_)) return file;
  }
}

Result<StagedFile> StagedFile::make(const fs::path& target) {
  std::string name =
      (folder_of(target) / (staged_prefix(target) + "XXXXXX" + std::string(kStagedSuffix)))
          .string();
  const int descriptor =
      ::mkostemps(name.data(), static_cast<int>(kStagedSuffix.size()), O_CLOEXEC);
  if (descriptor >= 0) return StagedFile(target, name, descriptor);
  if (errno == ENOENT || errno == ENOTDIR)
    return fail(ErrorCode::kNotFound, shown(target) + ": its folder is not there");
  return write_error(target, errno);
}

Result<void> StagedFile::write(std::span<const std::byte> bytes) {
  WAKEBUILDER_EXPECT(descriptor_ >= 0);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return write_error(target_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
#ifdef __linux__
  // The disk begins now, so that publish() waits less. Only a hint: publish() sees the errors.
  ::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
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
