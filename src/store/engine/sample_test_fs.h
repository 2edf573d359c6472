// A file system of strings, for tests that look into files or spoil them.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/fs.h"

namespace vedette::store::engine::testing {

class MemoryFs final : public base::Fs {
 public:
  using Content = std::shared_ptr<std::string>;
  std::map<std::string, Content> files;
  int creations_until_failure = -1;  // create() fails once this has counted down to 0

  Result<std::unique_ptr<base::WritableFile>> create(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (creations_until_failure == 0) return Error{Code::kIo, "no space left"};
    if (creations_until_failure > 0) --creations_until_failure;
    files[path] = std::make_shared<std::string>();
    return std::unique_ptr<base::WritableFile>(new Writer(files[path]));
  }
  Result<std::unique_ptr<base::WritableFile>> open_append(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (!files.contains(path)) return Error{Code::kNotFound, path};
    return std::unique_ptr<base::WritableFile>(new Writer(files[path]));
  }
  Result<std::unique_ptr<base::ReadableFile>> open(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (!files.contains(path)) return Error{Code::kNotFound, path};
    return std::unique_ptr<base::ReadableFile>(new Reader(files[path]));
  }
  Status rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    files[to] = files[from];
    files.erase(from);
    return {};
  }
  Status remove(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    return files.erase(path) ? Status() : Status(Code::kNotFound, path);
  }
  Status truncate(const std::string& path, uint64_t size) override {
    files[path]->resize(size);
    return {};
  }
  Status make_dirs(const std::string&) override { return {}; }
  Status sync_dir(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string&) override {
    std::vector<std::string> out;
    for (const auto& [name, content] : files) out.push_back(name);
    return out;
  }
  bool exists(const std::string& path) override { return files.contains(path); }
  Result<std::unique_ptr<void, void (*)(void*)>> lock(const std::string&) override {
    return std::unique_ptr<void, void (*)(void*)>(nullptr, [](void*) {});
  }
  Result<uint64_t> free_bytes(const std::string&) override { return uint64_t{1} << 40; }

 private:
  struct Writer final : base::WritableFile {
    explicit Writer(Content c) : content(std::move(c)) {}
    Status append(std::span<const char> data) override {
      content->append(data.data(), data.size());
      return {};
    }
    Status sync() override { return {}; }
    Status close() override { return {}; }
    uint64_t size() const override { return content->size(); }
    Content content;
  };
  struct Reader final : base::ReadableFile {
    explicit Reader(Content c) : content(std::move(c)) {}
    Status read(uint64_t offset, std::span<char> out) const override {
      if (offset > content->size() || out.size() > content->size() - offset) {
        return {Code::kCorruption, "the file ends too early"};
      }
      std::memcpy(out.data(), content->data() + offset, out.size());
      return {};
    }
    uint64_t size() const override { return content->size(); }
    Content content;
  };
  std::mutex mutex_;
};

}  // namespace vedette::store::engine::testing
