// vedette._native.ExportThread and .Lane: the native thread and its queues, as Python holds them.
#pragma once

#include <memory>

#include "python.h"
#include "sdk/export_thread.h"

namespace vedette::native {

struct ExportThreadObject {
  PyObject_HEAD std::shared_ptr<sdk::ExportThread> thread;
};

struct LaneObject {
  PyObject_HEAD std::shared_ptr<sdk::ExportThread> thread;
  sdk::Lane* lane;
};

extern PyTypeObject* lane_type;

bool add_exporter_types(PyObject* module);

}  // namespace vedette::native
