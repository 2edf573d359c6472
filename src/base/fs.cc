#include "base/fs.h"

namespace vedette::base {

Result<std::string> read_file(Fs& fs, const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, fs.open(path));
  std::string content(file->size(), '\0');
  RETURN_IF_ERROR(file->read(0, content));
  return content;
}

Status write_file_atomic(Fs& fs, const std::string& path, std::string_view content) {
  const std::string aside = path + ".tmp";
  ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, fs.create(aside));
  RETURN_IF_ERROR(file->append(content));
  RETURN_IF_ERROR(file->sync());
  RETURN_IF_ERROR(file->close());
  RETURN_IF_ERROR(fs.rename(aside, path));
  const size_t slash = path.rfind('/');
  return fs.sync_dir(slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1)));
}

}  // namespace vedette::base
