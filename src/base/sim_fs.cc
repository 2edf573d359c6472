#include "base/sim_fs.h"

namespace vedette::base {
namespace {

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

uint64_t next_random(uint64_t& state) {
  state += 0x9e3779b97f4a7c15ull;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace

class SimFs::Writable final : public WritableFile {
 public:
  Writable(SimFs& fs, std::shared_ptr<Inode> inode, std::string path)
      : fs_(fs), inode_(std::move(inode)), path_(std::move(path)), process_(fs.process_) {}

  Status append(std::span<const char> data) override {
    const std::lock_guard lock(fs_.mutex_);
    RETURN_IF_ERROR(alive());
    bool torn = false;
    if (Status status = fs_.enter("write to", path_, &torn); !status.ok()) {
      if (torn) inode_->data.append(data.data(), data.size() / 2);
      return status;
    }
    inode_->data.append(data.data(), data.size());
    return {};
  }

  Status sync() override {
    const std::lock_guard lock(fs_.mutex_);
    RETURN_IF_ERROR(alive());
    if (Status status = fs_.enter("sync", path_); !status.ok()) {
      inode_->never_durable = inode_->data.size();
      return status;
    }
    if (inode_->never_durable == 0) inode_->durable = inode_->data;
    return {};
  }

  Status close() override {
    const std::lock_guard lock(fs_.mutex_);
    RETURN_IF_ERROR(alive());
    return fs_.enter("close", path_);
  }

  uint64_t size() const override {
    const std::lock_guard lock(fs_.mutex_);
    return inode_->data.size();
  }

 private:
  Status alive() const {
    if (process_ == fs_.process_) return {};
    return {Code::kIo, "the process that opened " + path_ + " is dead"};
  }

  SimFs& fs_;
  std::shared_ptr<Inode> inode_;
  std::string path_;
  uint64_t process_;
};

class SimFs::Readable final : public ReadableFile {
 public:
  Readable(SimFs& fs, std::shared_ptr<Inode> inode, std::string path)
      : fs_(fs), inode_(std::move(inode)), path_(std::move(path)), size_(inode_->data.size()) {}

  Status read(uint64_t offset, std::span<char> out) const override {
    const std::lock_guard lock(fs_.mutex_);
    RETURN_IF_ERROR(fs_.enter("read", path_));
    if (offset > inode_->data.size() || out.size() > inode_->data.size() - offset) {
      return {Code::kCorruption, path_ + " ends too early"};
    }
    std::memcpy(out.data(), inode_->data.data() + offset, out.size());
    return {};
  }
  uint64_t size() const override { return size_; }

 private:
  SimFs& fs_;
  std::shared_ptr<Inode> inode_;
  std::string path_;
  uint64_t size_;
};

struct SimFs::Lock {
  SimFs* fs;
  std::string path;
  uint64_t process;
};

uint64_t SimFs::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void SimFs::fail_at(uint64_t call, Fault fault, std::string message) {
  const std::lock_guard lock(mutex_);
  fail_call_ = call;
  fault_ = fault;
  fault_message_ = std::move(message);
}

void SimFs::clear_faults() {
  const std::lock_guard lock(mutex_);
  fail_call_ = 0;
  failing_ = false;
}

void SimFs::restart() {
  const std::lock_guard lock(mutex_);
  fail_call_ = 0;
  failing_ = false;
  ++process_;
  locks_.clear();
}

void SimFs::lose_power(uint64_t seed) {
  {
    const std::lock_guard lock(mutex_);
    names_ = durable_names_;
    uint64_t random = seed;
    for (auto& [path, inode] : names_) {
      auto after = std::make_shared<Inode>();
      after->data = inode->durable;
      if (seed != 0 && inode->data.size() > inode->durable.size()) {
        const size_t extra = next_random(random) % (inode->data.size() - inode->durable.size() + 1);
        after->data += inode->data.substr(inode->durable.size(), extra);
        if (extra > 0) after->data.back() ^= 0x55;
      }
      after->durable = after->data;
      inode = std::move(after);
    }
    durable_names_ = names_;
  }
  restart();
}

void SimFs::set_free_bytes(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  free_bytes_ = bytes;
}

void SimFs::damage(const std::string& path, const std::function<void(std::string&)>& change) {
  const std::lock_guard lock(mutex_);
  if (const auto it = names_.find(path); it != names_.end()) {
    change(it->second->data);
    it->second->durable = it->second->data;
  }
}

Status SimFs::enter(std::string_view what, const std::string& path, bool* torn) {
  ++calls_;
  const bool hit = calls_ == fail_call_;
  if (!hit && !failing_) return {};
  if (hit) {
    failing_ = fault_ == Fault::kFromThen || fault_ == Fault::kKill;
    if (torn) *torn = fault_ == Fault::kShort || fault_ == Fault::kKill;
  }
  return {Code::kIo, "cannot " + std::string(what) + " " + path + ": " + fault_message_};
}

bool SimFs::is_dir(const std::string& path) const {
  return path == "." || path == "/" || dirs_.contains(path);
}

Result<std::unique_ptr<WritableFile>> SimFs::create(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("create", path));
  if (!is_dir(parent_of(path)))
    return Error{Code::kNotFound, "cannot create " + path + ": no such folder"};
  auto inode = std::make_shared<Inode>();
  names_[path] = inode;
  return std::unique_ptr<WritableFile>(new Writable(*this, std::move(inode), path));
}

Result<std::unique_ptr<WritableFile>> SimFs::open_append(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("open", path));
  const auto it = names_.find(path);
  if (it == names_.end()) return Error{Code::kNotFound, "cannot open " + path + ": no such file"};
  return std::unique_ptr<WritableFile>(new Writable(*this, it->second, path));
}

Result<std::unique_ptr<ReadableFile>> SimFs::open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("open", path));
  const auto it = names_.find(path);
  if (it == names_.end()) return Error{Code::kNotFound, "cannot open " + path + ": no such file"};
  return std::unique_ptr<ReadableFile>(new Readable(*this, it->second, path));
}

Status SimFs::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("rename", from));
  const auto it = names_.find(from);
  if (it == names_.end()) return {Code::kNotFound, "cannot rename " + from + ": no such file"};
  names_[to] = it->second;
  names_.erase(from);
  return {};
}

Status SimFs::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("remove", path));
  if (names_.erase(path) == 0) return {Code::kNotFound, "cannot remove " + path + ": no such file"};
  return {};
}

Status SimFs::truncate(const std::string& path, uint64_t size) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("shorten", path));
  const auto it = names_.find(path);
  if (it == names_.end()) return {Code::kNotFound, "cannot shorten " + path + ": no such file"};
  it->second->data.resize(size);
  it->second->never_durable =
      std::min(it->second->never_durable, it->second->durable.size() < size ? size : 0);
  return {};
}

Status SimFs::make_dirs(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("make folder", path));
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    dirs_.insert(path.substr(0, slash));
    if (slash == std::string::npos) break;
  }
  return {};
}

Status SimFs::sync_dir(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("sync folder", path));
  std::erase_if(durable_names_, [&](const auto& entry) { return parent_of(entry.first) == path; });
  for (const auto& [name, inode] : names_) {
    if (parent_of(name) == path) durable_names_[name] = inode;
  }
  return {};
}

Result<std::vector<std::string>> SimFs::list(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("list folder", path));
  if (!is_dir(path))
    return Error{Code::kNotFound, "cannot list folder " + path + ": no such folder"};
  std::vector<std::string> found;
  const auto add_child = [&](const std::string& name) {
    if (name != path && parent_of(name) == path) found.push_back(name.substr(name.rfind('/') + 1));
  };
  for (const auto& entry : names_) add_child(entry.first);
  for (const std::string& dir : dirs_) add_child(dir);
  std::sort(found.begin(), found.end());
  return found;
}

bool SimFs::exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return names_.contains(path) || is_dir(path);
}

Result<std::unique_ptr<void, void (*)(void*)>> SimFs::lock(const std::string& path) {
  const std::lock_guard guard(mutex_);
  RETURN_IF_ERROR(enter("lock", path));
  if (!locks_.insert(path).second) {
    return Error{Code::kAlreadyExists, path + " is held by another process"};
  }
  const auto release = [](void* held) {
    const std::unique_ptr<Lock> mine(static_cast<Lock*>(held));
    const std::lock_guard inner(mine->fs->mutex_);
    if (mine->process == mine->fs->process_) mine->fs->locks_.erase(mine->path);
  };
  return std::unique_ptr<void, void (*)(void*)>(new Lock{this, path, process_}, release);
}

Result<uint64_t> SimFs::free_bytes(const std::string& path) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(enter("ask free space of", path));
  return free_bytes_;
}

}  // namespace vedette::base
