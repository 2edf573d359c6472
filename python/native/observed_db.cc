// Database calls: statements (SQLAlchemy, psycopg, asyncpg) and commands (redis).
//
// Semantic conventions, database client spans and db.client.operation.duration, stable. Names and
// attributes come from templates: the helper makes one per statement or command and target, and
// they are kept, so a statement that is known costs no Python.
#include "observed.h"
#include "otel_api.h"
#include "sdk/sql_text.h"

namespace vedette::native {
namespace {

/// Templates kept per target; when there are more, the statements are not of a kind that repeats.
constexpr Py_ssize_t kTemplatesMax = 512;

struct DbNames {
  PyObject *describe, *target;
  bool load() {
    if (target) return true;
    describe = PyUnicode_InternFromString("describe");
    target = PyUnicode_InternFromString("target");
    return describe && target;
  }
};
DbNames names;

/// The template for `key` in `cache`; helper.describe(key, cache) makes it.
Ref find_template(ObservedObject* observed, PyObject* cache, PyObject* key) {
  PyObject* found = PyDict_GetItemWithError(cache, key);
  if (found) return Ref::borrow(found);
  PyErr_Clear();
  Ref made(PyObject_CallMethodObjArgs(observed->helper, names.describe, key, cache, nullptr));
  if (!made || Py_TYPE(made.get()) != template_type) {
    PyErr_Clear();
    return Ref();
  }
  if (PyDict_GET_SIZE(cache) >= kTemplatesMax) {
    const Ref target = Ref::borrow(PyDict_GetItemWithError(cache, Py_None));
    PyDict_Clear(cache);
    if (target && PyDict_SetItem(cache, Py_None, target.get()) < 0) PyErr_Clear();
  }
  if (PyDict_SetItem(cache, key, made.get()) < 0) PyErr_Clear();
  return made;
}

bool start(ObservedObject* observed, PyObject* context, PyObject* cache, PyObject* key,
           ClientSpan* span) {
  const Ref made = find_template(observed, cache, key);
  if (!made) return false;
  auto* prepared = reinterpret_cast<TemplateObject*>(made.get());
  return span->begin(*observed->source, context, prepared->name, prepared);
}

bool is_given(PyObject* parameters) {
  if (!parameters || parameters == Py_None) return false;
  const int truth = PyObject_IsTrue(parameters);
  if (truth < 0) PyErr_Clear();
  return truth > 0;
}

/// A statement without parameters has the key (statement,): its literals are to be left out.
bool start_statement(ObservedObject* observed, PyObject* context, PyObject* cache,
                     PyObject* statement, bool parameterized, ClientSpan* span) {
  if (parameterized) return start(observed, context, cache, statement, span);
  const Ref key(PyTuple_Pack(1, statement));
  return key && start(observed, context, cache, key.get(), span);
}

/// dialect.do_execute*(cursor, statement, parameters, context)
bool begin_dialect(ObservedObject* observed, const Call& call, ClientSpan* span) {
  PyObject* statement = call.get(1, "statement");
  if (!statement || !PyUnicode_Check(statement) || !names.load()) return false;
  const Ref context = context_to_observe(false);
  return context && start_statement(observed, context.get(), observed->cache, statement,
                                    is_given(call.get(2, "parameters")), span);
}

/// dialect.do_executemany(cursor, statement, parameters, context)
bool begin_dialect_many(ObservedObject* observed, const Call& call, ClientSpan* span) {
  if (!begin_dialect(observed, call, span)) return false;
  PyObject* parameters = call.get(2, "parameters");
  const Py_ssize_t count = parameters ? PyObject_Size(parameters) : -1;
  if (count < 0) PyErr_Clear();
  if (count > 1) span->number("db.operation.batch.size", count);
  return true;
}

/// dialect.do_execute_no_params(cursor, statement, context)
bool begin_dialect_plain(ObservedObject* observed, const Call& call, ClientSpan* span) {
  PyObject* statement = call.get(1, "statement");
  if (!statement || !PyUnicode_Check(statement) || !names.load()) return false;
  const Ref context = context_to_observe(false);
  return context &&
         start_statement(observed, context.get(), observed->cache, statement, false, span);
}

/// method(self, …): helper.target(self, args, keywords) answers (cache, key, count) or None.
bool begin_method(ObservedObject* observed, const Call& call, ClientSpan* span) {
  if (call.count < 1 || !names.load()) return false;
  const Ref context = context_to_observe(false);
  if (!context) return false;
  Ref arguments(PyTuple_New(call.count));
  if (!arguments) return false;
  for (Py_ssize_t i = 0; i < call.count; ++i) {
    PyTuple_SET_ITEM(arguments.get(), i, Py_NewRef(call.args[i]));
  }
  Ref keywords(PyDict_New());
  const Py_ssize_t named = call.keywords ? PyTuple_GET_SIZE(call.keywords) : 0;
  for (Py_ssize_t i = 0; keywords && i < named; ++i) {
    if (PyDict_SetItem(keywords.get(), PyTuple_GET_ITEM(call.keywords, i),
                       call.args[call.count + i]) < 0) {
      return false;
    }
  }
  if (!observed->source->tracer()) return false;
  Ref target(PyObject_CallMethodObjArgs(observed->helper, names.target, arguments.get(),
                                        keywords.get(), nullptr));
  if (!target || !PyTuple_Check(target.get()) || PyTuple_GET_SIZE(target.get()) != 3 ||
      !PyDict_Check(PyTuple_GET_ITEM(target.get(), 0))) {
    return false;
  }
  if (!start(observed, context.get(), PyTuple_GET_ITEM(target.get(), 0),
             PyTuple_GET_ITEM(target.get(), 1), span)) {
    return false;
  }
  PyObject* count = PyTuple_GET_ITEM(target.get(), 2);
  const long long size = PyLong_Check(count) ? PyLong_AsLongLong(count) : 0;
  if (PyErr_Occurred()) PyErr_Clear();
  if (size > 1) span->number("db.operation.batch.size", size);
  return true;
}

/// A driver's call that a SQLAlchemy statement makes is told by that statement's span.
bool begin_driver(ObservedObject* observed, const Call& call, ClientSpan* span) {
  static Source sqlalchemy("sqlalchemy", "");
  const Ref context(current_context());
  if (!context) PyErr_Clear();
  if (context && is_inside(context.get(), sqlalchemy)) return false;
  return begin_method(observed, call, span);
}

void finish(ObservedObject*, ClientSpan* span, PyObject*) {
  span->end({});
}

void failed(ObservedObject*, ClientSpan* span, PyObject* exception) {
  span->raised(exception);
  span->end(exception_type(exception));
}

constexpr CallKind kKinds[] = {
    {"db.dialect", begin_dialect, finish, failed},
    {"db.dialect.many", begin_dialect_many, finish, failed},
    {"db.dialect.plain", begin_dialect_plain, finish, failed},
    {"db.driver", begin_driver, finish, failed},
    {"db.method", begin_method, finish, failed},
};

}  // namespace

const CallKind* db_kind(std::string_view name) {
  for (const CallKind& kind : kKinds) {
    if (name == kind.name) return &kind;
  }
  return nullptr;
}

/// describe_sql(statement, keep_literals, mysql) -> (operation, collection, summary, text)
PyObject* py_describe_sql(PyObject*, PyObject* args) {
  PyObject* statement;
  int keep, mysql;
  if (!PyArg_ParseTuple(args, "Upp", &statement, &keep, &mysql)) return nullptr;
  const Utf8 text(statement);
  const sdk::SqlDescription found = sdk::describe_sql(text.view(), {keep != 0, mysql != 0});
  const auto part = [](const std::string& value) {
    return PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace");
  };
  Ref parts[] = {Ref(part(found.operation)), Ref(part(found.collection)), Ref(part(found.summary)),
                 Ref(part(found.text))};
  for (const Ref& one : parts) {
    if (!one) return nullptr;
  }
  return PyTuple_Pack(4, parts[0].get(), parts[1].get(), parts[2].get(), parts[3].get());
}

}  // namespace vedette::native
