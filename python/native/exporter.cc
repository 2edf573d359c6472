#include "exporter.h"

#include "readable.h"
#include "sdk/transport.h"

namespace vedette::native {

PyTypeObject* lane_type;

namespace {

PyTypeObject* thread_type;

ExportThreadObject* as_thread(PyObject* self) {
  return reinterpret_cast<ExportThreadObject*>(self);
}
LaneObject* as_lane(PyObject* self) {
  return reinterpret_cast<LaneObject*>(self);
}

PyObject* thread_new(PyTypeObject*, PyObject*, PyObject*) {
  auto* self = PyObject_New(ExportThreadObject, thread_type);
  if (!self) return nullptr;
  new (&self->thread) std::shared_ptr<sdk::ExportThread>(sdk::ExportThread::create());
  return reinterpret_cast<PyObject*>(self);
}

void thread_dealloc(PyObject* self) {
  std::destroy_at(&as_thread(self)->thread);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

bool read_headers(PyObject* headers, sdk::Endpoint* endpoint) {
  Ref items(PySequence_Fast(headers, "headers must be a list of pairs"));
  if (!items) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    PyObject *name, *value;
    if (!PyArg_ParseTuple(PySequence_Fast_GET_ITEM(items.get(), i), "OO", &name, &value)) {
      return false;
    }
    std::pair<std::string, std::string> header(safe_str(name), safe_str(value));
    for (const std::string* text : {&header.first, &header.second}) {
      if (text->find_first_of("\r\n") != std::string::npos) {
        PyErr_Format(PyExc_ValueError, "header %R holds a line break", name);
        return false;
      }
    }
    endpoint->headers.push_back(std::move(header));
  }
  return true;
}

sdk::Signal signal_of(std::string_view name) {
  return name == "logs"      ? sdk::Signal::kLogs
         : name == "metrics" ? sdk::Signal::kMetrics
                             : sdk::Signal::kTraces;
}

/// add_lane(signal, protocol, url, insecure=…, …) -> Lane
PyObject* thread_add_lane(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"signal",      "protocol",          "url",
                                "insecure",    "headers",           "timeout_ms",
                                "gzip",        "ca_file",           "certificate_file",
                                "key_file",    "queue_bytes",       "queue_items",
                                "batch_items", "delay_ms",          "deflate",
                                "retry_codes", "request_bytes_max", nullptr};
  const char *signal, *protocol, *url, *ca = "", *certificate = "", *key = "";
  int insecure = 1, gzip = 0, deflate = 0;
  PyObject* headers = nullptr;
  long long timeout_ms = 10'000, queue_bytes = 16 << 20, queue_items = 0, batch = 512,
            delay_ms = 5000, retry_codes = 0, request_bytes_max = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sss|$pOLpsssLLLLpLL", const_cast<char**>(names),
                                   &signal, &protocol, &url, &insecure, &headers, &timeout_ms,
                                   &gzip, &ca, &certificate, &key, &queue_bytes, &queue_items,
                                   &batch, &delay_ms, &deflate, &retry_codes, &request_bytes_max)) {
    return nullptr;
  }
  sdk::Endpoint endpoint;
  endpoint.signal = signal_of(signal);
  endpoint.protocol = std::string_view(protocol) == "grpc"   ? sdk::Protocol::kGrpc
                      : std::string_view(protocol) == "file" ? sdk::Protocol::kFile
                                                             : sdk::Protocol::kHttp;
  endpoint.json = std::string_view(protocol) == "http/json";
  if (endpoint.protocol == sdk::Protocol::kFile) {
    endpoint.path = url;
  } else if (Status status = sdk::parse_url(url, insecure != 0, &endpoint); !status.ok()) {
    PyErr_SetString(PyExc_ValueError, status.error().message.c_str());
    return nullptr;
  }
  if (headers && !read_headers(headers, &endpoint)) return nullptr;
  endpoint.timeout = std::chrono::milliseconds(std::clamp<long long>(timeout_ms, 1, 3'600'000));
  endpoint.gzip = gzip != 0;
  endpoint.deflate = deflate != 0;
  endpoint.retry_codes = static_cast<uint32_t>(retry_codes);
  endpoint.ca_file = ca;
  endpoint.certificate_file = certificate;
  endpoint.key_file = key;
  sdk::BatchOptions options;
  options.queue_bytes = static_cast<size_t>(std::clamp<long long>(queue_bytes, 1 << 16, 1 << 30));
  options.queue_items = static_cast<uint64_t>(std::max(queue_items, 0ll));
  options.batch_items = static_cast<uint64_t>(std::max(batch, 1ll));
  options.request_bytes_max = static_cast<size_t>(std::max(request_bytes_max, 0ll));
  options.delay = std::chrono::milliseconds(std::clamp<long long>(delay_ms, 1, 3'600'000));

  auto* lane = PyObject_New(LaneObject, lane_type);
  if (!lane) return nullptr;
  const auto& thread = as_thread(self)->thread;
  new (&lane->thread) std::shared_ptr<sdk::ExportThread>(thread);
  lane->lane = thread->add_lane(options, std::move(endpoint));
  return reinterpret_cast<PyObject*>(lane);
}

PyObject* thread_flush(PyObject* self, PyObject* args) {
  long long timeout_ms = 30'000;
  if (!PyArg_ParseTuple(args, "|L", &timeout_ms)) return nullptr;
  const auto thread = as_thread(self)->thread;
  bool done;
  Py_BEGIN_ALLOW_THREADS;
  done = thread->flush(std::chrono::milliseconds(std::clamp<long long>(timeout_ms, 0, 3'600'000)));
  Py_END_ALLOW_THREADS;
  return PyBool_FromLong(done);
}

PyObject* thread_shutdown(PyObject* self, PyObject* args) {
  long long timeout_ms = 5'000;
  if (!PyArg_ParseTuple(args, "|L", &timeout_ms)) return nullptr;
  const auto thread = as_thread(self)->thread;
  bool done;
  Py_BEGIN_ALLOW_THREADS;
  done =
      thread->shutdown(std::chrono::milliseconds(std::clamp<long long>(timeout_ms, 0, 3'600'000)));
  Py_END_ALLOW_THREADS;
  return PyBool_FromLong(done);
}

void lane_dealloc(PyObject* self) {
  std::destroy_at(&as_lane(self)->thread);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

PyObject* lane_stats(PyObject* self, PyObject*) {
  const sdk::LaneStats stats = as_lane(self)->lane->stats();
  return Py_BuildValue("{sKsKsKsKsK}", "queued", stats.queued, "sent", stats.sent, "dropped_full",
                       stats.dropped_full, "dropped_failed", stats.dropped_failed, "rejected",
                       stats.rejected);
}

PyObject* lane_take_operations(PyObject* self, PyObject*) {
  Ref list(PyList_New(0));
  for (const sdk::Operation& operation : as_lane(self)->lane->take_operations()) {
    Ref pair(Py_BuildValue("(ds#)", operation.seconds, operation.error.data(),
                           static_cast<Py_ssize_t>(operation.error.size())));
    if (!list || !pair || PyList_Append(list.get(), pair.get()) < 0) return nullptr;
  }
  return list.release();
}

PyObject* lane_pending(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(as_lane(self)->lane->stats().pending);
}

PyObject* lane_url(PyObject* self, void*) {
  return PyUnicode_FromString(as_lane(self)->lane->endpoint().url().c_str());
}

PyMethodDef thread_methods[] = {
    {"add_lane", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(thread_add_lane)),
     METH_VARARGS | METH_KEYWORDS, "add_lane(signal, protocol, url, …) -> Lane"},
    {"flush", thread_flush, METH_VARARGS, "flush(timeout_ms=30000) -> everything got through"},
    {"shutdown", thread_shutdown, METH_VARARGS, "shutdown(timeout_ms=5000) -> nothing was lost"},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot thread_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(thread_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(thread_dealloc)},
    {Py_tp_methods, thread_methods},
    {0, nullptr},
};
PyType_Spec thread_spec = {"vedette._native.ExportThread", sizeof(ExportThreadObject), 0,
                           Py_TPFLAGS_DEFAULT, thread_slots};

PyMethodDef lane_methods[] = {
    {"emit", lane_emit, METH_O, "emit(span): queues a ReadableSpan; False: there is no room."},
    {"take_operations", lane_take_operations, METH_NOARGS,
     "[(seconds, error)] of the attempts to send since the call before; kept from the first call "
     "on."},
    {"stats", lane_stats, METH_NOARGS, "Counts since the start of the process."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef lane_properties[] = {
    {"pending", lane_pending, nullptr, "How many records are in the queue now.", nullptr},
    {"url", lane_url, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot lane_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(lane_dealloc)},
    {Py_tp_methods, lane_methods},
    {Py_tp_getset, lane_properties},
    {0, nullptr},
};
PyType_Spec lane_spec = {"vedette._native.Lane", sizeof(LaneObject), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, lane_slots};

/// otlp_json(signal, request) -> str
PyObject* otlp_json(PyObject*, PyObject* args) {
  const char *signal, *request;
  Py_ssize_t size;
  if (!PyArg_ParseTuple(args, "sy#", &signal, &request, &size)) return nullptr;
  const std::string json = sdk::json_of(signal_of(signal), {request, static_cast<size_t>(size)});
  return PyUnicode_DecodeUTF8(json.data(), static_cast<Py_ssize_t>(json.size()), "replace");
}

PyMethodDef module_functions[] = {
    {"otlp_json", otlp_json, METH_VARARGS,
     "otlp_json(signal, request) -> an encoded request as OTLP's JSON, on one line."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_exporter_types(PyObject* module) {
  if (PyModule_AddFunctions(module, module_functions) < 0) return false;
  thread_type = add_type(module, &thread_spec);
  lane_type = thread_type ? add_type(module, &lane_spec) : nullptr;
  return lane_type != nullptr;
}

}  // namespace vedette::native
