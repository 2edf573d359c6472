#include "logger_log.h"

#include <array>
#include <vector>

#include "log_sink.h"
#include "logging_handler.h"
#include "logging_record.h"
#include "record_factory.h"
#include "sdk/wall_clock.h"
#include "type_facts.h"

// After Python.h, which has it inside from Python 3.11 on.
#include <frameobject.h>

namespace vedette::native {
namespace {

/// A logger's own values, in the order in which it gets them, then methods that nobody but its
/// class should have.
enum Part : size_t {
  kFilters,
  kName,
  kLevel,
  kParent,
  kPropagate,
  kHandlers,
  kDisabled,
  kCache,
  kManager,
  kValues,
  kFindCaller = kValues,
  kMakeRecord,
  kHandle,
  kFilter,
  kCallHandlers,
  kPartCount,
};
constexpr size_t kMethods = kPartCount - kValues;
constexpr const char* kPartNames[kPartCount] = {
    "filters", "name",    "level",      "parent",     "propagate", "handlers", "disabled",
    "_cache",  "manager", "findCaller", "makeRecord", "handle",    "filter",   "callHandlers",
};
using Parts = std::array<PyObject*, kPartCount>;

enum HandlerFact : int { kForeign, kOurs, kIdle };

/// A name in a module that must still mean what it did.
struct Guard {
  Ref names, key, value;
};

/// What the logging module was when it was learnt; never freed.
struct Logging {
  Parts part_names{};
  PyTypeObject* logger = nullptr;
  PyObject* original = nullptr;  // Logger._log
  std::array<PyObject*, kMethods> methods{};
  PyTypeObject* record = nullptr;
  PyObject *record_init = nullptr, *record_message = nullptr;
  PyObject* handle = nullptr;       // of our LoggingHandler
  PyObject* idle_handle = nullptr;  // of logging.NullHandler
  PyObject* names = nullptr;        // logging's own
  PyObject* factory_name = nullptr;
  PyObject* level_names = nullptr;
  PyObject* source_file = nullptr;
  PyObject* taken = nullptr;    // keys that extra must not have
  PyObject* mapping = nullptr;  // collections.abc.Mapping
  bool counts_callers = false;  // since 3.11 stacklevel counts frames outside of logging
  std::vector<Guard> guards;
  TypeFacts loggers, handlers, records;
};
Logging* known = nullptr;

Ref attribute_of(PyTypeObject* type, const char* name) {
  Ref found(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), name));
  PyErr_Clear();
  return found;
}

bool has_own_access(PyTypeObject* type) {
  return type->tp_getattro == PyObject_GenericGetAttr;
}

bool is_always_true(PyTypeObject* type) {
  return !(type->tp_as_number && type->tp_as_number->nb_bool) &&
         !(type->tp_as_mapping && type->tp_as_mapping->mp_length) &&
         !(type->tp_as_sequence && type->tp_as_sequence->sq_length);
}

/// Whether loggers of a class do what logging.Logger does.
bool is_plain_logger(PyTypeObject* type) {
  return known->loggers.of(type, [](PyTypeObject* t) -> int {
    if (!PyType_IsSubtype(t, known->logger) || !has_own_access(t) || !is_always_true(t)) return 0;
    for (size_t i = 0; i < kMethods; ++i) {
      if (attribute_of(t, kPartNames[kValues + i]).get() != known->methods[i]) return 0;
    }
    for (size_t i = 0; i < kCache; ++i) {
      if (attribute_of(t, kPartNames[i])) return 0;
    }
    return 1;
  }) != 0;
}

int handler_fact(PyTypeObject* type) {
  return known->handlers.of(type, [](PyTypeObject* t) -> int {
    if (!has_own_access(t) || attribute_of(t, "level") || attribute_of(t, "filters")) {
      return kForeign;
    }
    const Ref handle = attribute_of(t, "handle");
    return handle.get() == known->handle        ? kOurs
           : handle.get() == known->idle_handle ? kIdle
                                                : kForeign;
  });
}

/// Whether a class makes records as logging.LogRecord does; 2: with its messages at least.
int record_fact(PyTypeObject* type) {
  return known->records.of(type, [](PyTypeObject* t) -> int {
    if (!has_own_access(t) || attribute_of(t, "getMessage").get() != known->record_message) {
      return 0;
    }
    const bool whole = t == known->record && t->tp_setattro == PyObject_GenericSetAttr &&
                       t->tp_new == PyBaseObject_Type.tp_new &&
                       attribute_of(t, "__init__").get() == known->record_init;
    return whole ? 1 : 2;
  });
}

/// Whether making a record would run none of the application's code.
bool makes_plain_records() {
  PyObject* factory = PyDict_GetItemWithError(known->names, known->factory_name);
  if (factory) {
    if (PyObject* wrapped = wrapped_factory(factory)) factory = wrapped;
  }
  return factory == reinterpret_cast<PyObject*>(known->record) && record_fact(known->record) == 1;
}

bool guards_hold() {
  for (const Guard& guard : known->guards) {
    if (PyDict_GetItemWithError(guard.names.get(), guard.key.get()) != guard.value.get()) {
      return false;
    }
  }
  return true;
}

/// What _log() was given; borrowed, null: not given.
struct Call {
  PyObject *level, *msg, *args, *exc_info, *extra, *stack_info, *stack_level;
};
constexpr const char* kParameters[] = {"level", "msg",        "args",      "exc_info",
                                       "extra", "stack_info", "stacklevel"};
constexpr Signature kSignature = {"_log", kParameters, 7, 3, 7};
static_assert(sizeof(Call) == 7 * sizeof(PyObject*));

constexpr size_t kExtrasMax = 16;
constexpr size_t kSinksMax = 4;

/// One line on its way past the LogRecord. Each step answers false where the original has to do it;
/// nothing has happened then.
class Line {
 public:
  Line(PyObject* logger, const Call& call) : logger_(logger), call_(call) {}

  bool send() {
    if (!read_level() || !read_extra() || !find_sinks()) return false;
    if (count_ == 0) return true;
    if (!read_exc_info() || !find_caller()) return false;
    record_.msg = call_.msg;
    record_.args = arguments();
    if (!record_.args) return false;
    int64_t offset;
    record_.created_ns = static_cast<uint64_t>(sdk::wall_now(&offset));
    for (size_t i = 0; i < count_; ++i) {
      Scratch bytes;
      write_logged_record(*bytes, record_, {extras_.data(), extra_count_},
                          sink_limits(sinks_[i].get()));
      sink_emit(sinks_[i].get(), *bytes);
    }
    return true;
  }

 private:
  bool read_level() {
    if (!PyLong_CheckExact(call_.level)) return false;
    record_.level = PyLong_AsLong(call_.level);
    if (record_.level == -1 && PyErr_Occurred()) return false;
    PyObject* name = PyDict_GetItemWithError(known->level_names, call_.level);
    if (!name || !PyUnicode_CheckExact(name)) return false;
    level_name_ = Ref::borrow(name);
    record_.level_name = name;
    return true;
  }

  bool read_extra() {
    if (!call_.extra || call_.extra == Py_None) return true;
    if (!PyDict_CheckExact(call_.extra) || PyDict_GET_SIZE(call_.extra) > Py_ssize_t{kExtrasMax}) {
      return false;
    }
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(call_.extra, &at, &key, &value)) {
      if (!PyUnicode_CheckExact(key) || PySet_Contains(known->taken, key) != 0) return false;
      extras_[extra_count_++] = {Ref::borrow(key), Ref::borrow(value)};
    }
    return true;
  }

  /// What callHandlers() does, without calling: every handler must be able to do without a record.
  bool find_sinks() {
    bool any = false;
    Ref logger = Ref::borrow(logger_);
    while (true) {
      Ref dict(PyObject_GenericGetDict(logger.get(), nullptr));
      Parts parts{};
      if (!dict || !is_plain_logger(Py_TYPE(logger.get()))) return false;
      read_known(dict.get(), known->part_names, &parts, [](PyObject*, PyObject*) {});
      if (!parts[kHandlers] || !PyList_CheckExact(parts[kHandlers]) || !parts[kParent]) {
        return false;
      }
      if (logger.get() == logger_ && !passes(parts)) return false;
      const Ref kept = Ref::borrow(parts[kHandlers]);
      const Ref parent = Ref::borrow(parts[kParent]);
      PyObject* propagate = parts[kPropagate];
      if (propagate != Py_True && propagate != Py_False) return false;
      for (Py_ssize_t i = 0; i < PyList_GET_SIZE(kept.get()); ++i, any = true) {
        if (!add_handler(PyList_GET_ITEM(kept.get(), i))) return false;
      }
      if (propagate == Py_False || parent.get() == Py_None) return any;
      logger = Ref::borrow(parent.get());
    }
  }

  /// What handle() asks of the logger itself.
  bool passes(const Parts& parts) {
    for (size_t i = kValues; i < kPartCount; ++i) {
      if (parts[i]) return false;
    }
    if (!parts[kName] || !PyUnicode_CheckExact(parts[kName]) || parts[kDisabled] != Py_False ||
        !parts[kFilters] || !PyList_CheckExact(parts[kFilters]) ||
        PyList_GET_SIZE(parts[kFilters]) > 0) {
      return false;
    }
    name_ = Ref::borrow(parts[kName]);
    return true;
  }

  bool add_handler(PyObject* handler) {
    const int fact = handler_fact(Py_TYPE(handler));
    if (fact == kIdle) {
      Ref own(PyObject_GenericGetDict(handler, nullptr));
      const int changed = own ? PyDict_Contains(own.get(), known->part_names[kHandle]) : -1;
      return changed == 0;
    }
    const Ref kept = Ref::borrow(handler);
    Ref sink;
    if (fact != kOurs || !lean_handler(handler, name_.get(), record_.level, &sink)) return false;
    if (!sink) return true;
    if (count_ == kSinksMax) return false;
    sinks_[count_++] = std::move(sink);
    return true;
  }

  bool read_exc_info() {
    PyObject* given = call_.exc_info;
    if (!given || given == Py_None || given == Py_False) return true;
    if (PyTuple_CheckExact(given)) {
      if (PyTuple_GET_SIZE(given) > 0) record_.exc_info = given;
      return true;
    }
    Ref type, value, trace;
    if (PyExceptionInstance_Check(given)) {
      type = Ref::borrow(reinterpret_cast<PyObject*>(Py_TYPE(given)));
      value = Ref::borrow(given);
      trace = Ref(PyException_GetTraceback(given));
    } else if (given == Py_True || PyLong_CheckExact(given)) {
      if (PyObject_IsTrue(given) == 0) return true;
      PyObject *raised, *raised_value, *raised_trace;
      PyErr_GetExcInfo(&raised, &raised_value, &raised_trace);
      type = Ref(raised);
      value = Ref(raised_value);
      trace = Ref(raised_trace);
    } else {
      return false;
    }
    const auto or_none = [](const Ref& ref) { return ref ? ref.get() : Py_None; };
    exc_info_ = Ref(PyTuple_Pack(3, or_none(type), or_none(value), or_none(trace)));
    record_.exc_info = exc_info_.get();
    return record_.exc_info != nullptr;
  }

  static bool is_of_logging(PyObject* file) {
    if (file == known->source_file) return true;
    if (PyUnicode_GET_LENGTH(file) == PyUnicode_GET_LENGTH(known->source_file) &&
        PyUnicode_Compare(file, known->source_file) == 0) {
      return true;
    }
    if (!known->counts_callers) return false;
    const Utf8 name(file);
    return name.view().find("_bootstrap") != std::string_view::npos &&
           name.view().find("importlib") != std::string_view::npos;
  }

  /// findCaller(): the frame that is `stacklevel` outside of the logging module.
  bool find_caller() {
    long wanted = 1;
    if (call_.stack_info && call_.stack_info != Py_False) return false;
    if (call_.stack_level) {
      if (!PyLong_CheckExact(call_.stack_level)) return false;
      wanted = PyLong_AsLong(call_.stack_level);
      if (wanted < 1 || (wanted > 1 && !known->counts_callers)) return false;
    }
    PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
    if (!frame) return false;
    if (!known->counts_callers) {  // up to Python 3.10 who calls _log is passed over, whoever it is
      PyFrameObject* back = PyFrame_GetBack(frame);
      Py_DECREF(frame);
      if (!back) return false;
      frame = back;
    }
    while (true) {
      code_ = Ref(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
      if (!is_of_logging(code()->co_filename) && --wanted == 0) break;
      PyFrameObject* back = PyFrame_GetBack(frame);
      if (!back) break;
      Py_DECREF(frame);
      frame = back;
    }
    line_ = Ref(PyLong_FromLong(PyFrame_GetLineNumber(frame)));
    Py_DECREF(frame);
    record_.path = code()->co_filename;
    record_.function = code()->co_name;
    record_.line = line_.get();
    return record_.line != nullptr;
  }

  PyCodeObject* code() const { return reinterpret_cast<PyCodeObject*>(code_.get()); }

  /// A single mapping that is not empty stands for itself, as in LogRecord's constructor.
  PyObject* arguments() const {
    if (!PyTuple_CheckExact(call_.args)) return nullptr;
    if (PyTuple_GET_SIZE(call_.args) != 1) return call_.args;
    PyObject* only = PyTuple_GET_ITEM(call_.args, 0);
    if (PyDict_CheckExact(only)) return PyDict_GET_SIZE(only) > 0 ? only : call_.args;
    if (PyUnicode_CheckExact(only) || PyLong_CheckExact(only) || PyFloat_CheckExact(only) ||
        only == Py_None || PyExceptionInstance_Check(only)) {
      return call_.args;
    }
    const int mapping = PyObject_IsInstance(only, known->mapping);
    return mapping == 0 ? call_.args : nullptr;
  }

  PyObject* logger_;
  const Call& call_;
  LoggedRecord record_;
  Ref name_, level_name_, exc_info_, code_, line_;
  std::array<Extra, kExtrasMax> extras_;
  size_t extra_count_ = 0;
  std::array<Ref, kSinksMax> sinks_;
  size_t count_ = 0;
};

bool send_lean(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Call call;
  const bool sent = bind(kSignature, args, nargs, kwnames, reinterpret_cast<PyObject**>(&call)) &&
                    guards_hold() && makes_plain_records() && Line(self, call).send();
  PyErr_Clear();
  return sent;
}

PyObject* logger_log(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  if (send_lean(self, args, nargs, kwnames)) return none();
  const Py_ssize_t keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  std::vector<PyObject*> all = {self};
  all.insert(all.end(), args, args + nargs + keywords);
  return PyObject_Vectorcall(known->original, all.data(), static_cast<size_t>(nargs) + 1, kwnames);
}

PyMethodDef log_method = {
    "_log", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(logger_log)),
    METH_FASTCALL | METH_KEYWORDS,
    "_log($self, level, msg, args, exc_info=None, extra=None, stack_info=False, stacklevel=1)\n"
    "--\n\nLogs a line; vedette's."};

/// native_log(logging, Mapping, taken, counts callers, guards [(names, key)]) -> the native _log
PyObject* native_log(PyObject* module, PyObject* args) {
  PyObject *logging, *mapping, *taken, *guards;
  int counts_callers;
  if (!PyArg_ParseTuple(args, "OOO!pO!", &logging, &mapping, &PyFrozenSet_Type, &taken,
                        &counts_callers, &PyTuple_Type, &guards)) {
    return nullptr;
  }
  auto made = std::make_unique<Logging>();
  Logging& l = *made;
  const auto own = [&](PyObject* from, const char* name) {
    return from ? PyObject_GetAttrString(from, name) : nullptr;
  };
  PyObject* logger = own(logging, "Logger");
  PyObject* record = own(logging, "LogRecord");
  const Ref null_handler(own(logging, "NullHandler"));
  const Ref handler(own(module, "LoggingHandler"));
  l.original = own(logger, "_log");
  l.record_init = own(record, "__init__");
  l.record_message = own(record, "getMessage");
  l.handle = own(handler.get(), "handle");
  l.idle_handle = own(null_handler.get(), "handle");
  l.names = own(logging, "__dict__");
  l.level_names = own(logging, "_levelToName");
  l.source_file = own(logging, "_srcfile");
  for (size_t i = 0; i < kMethods; ++i) l.methods[i] = own(logger, kPartNames[kValues + i]);
  for (size_t i = 0; i < kPartCount; ++i) {
    l.part_names[i] = PyUnicode_InternFromString(kPartNames[i]);
  }
  l.factory_name = PyUnicode_InternFromString("_logRecordFactory");
  if (PyErr_Occurred()) return nullptr;
  if (!PyType_Check(logger) || !PyType_Check(record) || !PyDict_Check(l.level_names) ||
      !PyUnicode_Check(l.source_file)) {
    PyErr_SetString(PyExc_TypeError, "this is not the logging module as it is known");
    return nullptr;
  }
  l.logger = reinterpret_cast<PyTypeObject*>(logger);
  l.record = reinterpret_cast<PyTypeObject*>(record);
  l.taken = Py_NewRef(taken);
  l.mapping = Py_NewRef(mapping);
  l.counts_callers = counts_callers != 0;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(guards); ++i) {
    PyObject *names, *key;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(guards, i), "O!U", &PyDict_Type, &names, &key)) {
      return nullptr;
    }
    l.guards.push_back(
        {Ref::borrow(names), Ref::borrow(key), Ref::borrow(PyDict_GetItemWithError(names, key))});
  }
  PyObject* method = PyDescr_NewMethod(l.logger, &log_method);
  if (method) known = made.release();
  return method;
}

PyMethodDef module_functions[] = {
    {"native_log", native_log, METH_VARARGS, "native_log(logging, …): a method for Logger._log."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool has_plain_message(PyTypeObject* record_type) {
  return !known || record_fact(record_type) != 0;
}

bool add_logger_log(PyObject* module) {
  return PyModule_AddFunctions(module, module_functions) == 0;
}

}  // namespace vedette::native
