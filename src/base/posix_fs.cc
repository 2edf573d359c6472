#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/fs.h"

namespace vedette::base {
namespace {

Error io_error(std::string_view what, const std::string& path, int error) {
  const Code code = error == ENOENT ? Code::kNotFound : Code::kIo;
  return {code, "cannot " + std::string(what) + " " + path + ": " + std::strerror(error)};
}

/// Repeats a call that a signal interrupted.
template <typename Fn>
auto retry(Fn&& fn) {
  auto result = fn();
  while (result < 0 && errno == EINTR) result = fn();
  return result;
}

class PosixWritable final : public WritableFile {
 public:
  PosixWritable(int fd, std::string path, uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size) {}
  ~PosixWritable() override {
    if (fd_ >= 0) ::close(fd_);
  }

  Status append(std::span<const char> data) override {
    while (!data.empty()) {
      const ssize_t n = retry([&] { return ::write(fd_, data.data(), data.size()); });
      if (n < 0) return io_error("write to", path_, errno);
      size_ += static_cast<uint64_t>(n);
      data = data.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  Status sync() override {
    // Not repeated on EINTR: whether the pages were written is then unknown.
    if (::fdatasync(fd_) != 0) return io_error("sync", path_, errno);
    return {};
  }

  Status close() override {
    if (fd_ < 0) return {};
    const int result = ::close(std::exchange(fd_, -1));
    if (result != 0 && errno != EINTR) return io_error("close", path_, errno);
    return {};
  }

  uint64_t size() const override { return size_; }

 private:
  int fd_;
  std::string path_;
  uint64_t size_;
};

class PosixReadable final : public ReadableFile {
 public:
  PosixReadable(int fd, std::string path, uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size) {}
  ~PosixReadable() override { ::close(fd_); }

  Status read(uint64_t offset, std::span<char> out) const override {
    while (!out.empty()) {
      const ssize_t n =
          retry([&] { return ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset)); });
      if (n < 0) return io_error("read", path_, errno);
      if (n == 0) return Status(Code::kCorruption, path_ + " ends too early");
      offset += static_cast<uint64_t>(n);
      out = out.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  uint64_t size() const override { return size_; }

 private:
  int fd_;
  std::string path_;
  uint64_t size_;
};

void release_lock(void* fd) {
  ::close(static_cast<int>(reinterpret_cast<intptr_t>(fd)) - 1);
}

class PosixFs final : public Fs {
 public:
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    return open_writable(path, O_CREAT | O_TRUNC, "create");
  }
  Result<std::unique_ptr<WritableFile>> open_append(const std::string& path) override {
    return open_writable(path, O_APPEND, "open");
  }

  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    const int fd = retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
    if (fd < 0) return io_error("open", path, errno);
    struct stat info {};
    if (::fstat(fd, &info) != 0) {
      const int error = errno;
      ::close(fd);
      return io_error("open", path, error);
    }
    return std::unique_ptr<ReadableFile>(
        new PosixReadable(fd, path, static_cast<uint64_t>(info.st_size)));
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error("rename", from, errno);
    return {};
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return io_error("remove", path, errno);
    return {};
  }

  Status truncate(const std::string& path, uint64_t size) override {
    if (retry([&] { return ::truncate(path.c_str(), static_cast<off_t>(size)); }) != 0) {
      return io_error("shorten", path, errno);
    }
    return {};
  }

  Status make_dirs(const std::string& path) override {
    for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
      const std::string prefix = path.substr(0, slash);
      if (::mkdir(prefix.c_str(), 0750) != 0 && errno != EEXIST) {
        return io_error("make folder", prefix, errno);
      }
      if (slash == std::string::npos) break;
    }
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return io_error("open folder", path, errno);
    if (!S_ISDIR(info.st_mode)) return io_error("make folder", path, ENOTDIR);
    return {};
  }

  Status sync_dir(const std::string& path) override {
    const int fd = retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return io_error("open folder", path, errno);
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (error != 0) return io_error("sync folder", path, error);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    DIR* dir = ::opendir(path.c_str());
    if (!dir) return io_error("list folder", path, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    const int error = errno;
    ::closedir(dir);
    if (error != 0) return io_error("list folder", path, error);
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Result<std::unique_ptr<void, void (*)(void*)>> lock(const std::string& path) override {
    const int fd = retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640); });
    if (fd < 0) return io_error("open lock file", path, errno);
    if (retry([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) != 0) {
      const int error = errno;
      ::close(fd);
      if (error != EWOULDBLOCK) return io_error("lock", path, error);
      return Error{Code::kAlreadyExists,
                   path + " is held by another process: stop it, or choose another data folder"};
    }
    // The descriptor plus one, so that descriptor 0 is not the null pointer.
    return std::unique_ptr<void, void (*)(void*)>(
        reinterpret_cast<void*>(static_cast<intptr_t>(fd) + 1), release_lock);
  }

  Result<uint64_t> free_bytes(const std::string& path) override {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) return io_error("ask free space of", path, errno);
    return uint64_t{info.f_bavail} * info.f_frsize;
  }

 private:
  static Result<std::unique_ptr<WritableFile>> open_writable(const std::string& path, int flags,
                                                             std::string_view what) {
    const int fd = retry([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0640); });
    if (fd < 0) return io_error(what, path, errno);
    struct stat info {};
    if (::fstat(fd, &info) != 0) {
      const int error = errno;
      ::close(fd);
      return io_error(what, path, error);
    }
    return std::unique_ptr<WritableFile>(
        new PosixWritable(fd, path, static_cast<uint64_t>(info.st_size)));
  }
};

}  // namespace

Fs& Fs::posix() {
  static PosixFs fs;
  return fs;
}

}  // namespace vedette::base
