"""``opentelemetry.sdk.resources``: who reports, and how that is found out.

A detector's mistakes and slowness stay its own: what it raises is logged, and it gets five seconds.
"""

from __future__ import annotations

import abc
import logging
import os
import platform
import socket
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from json import dumps
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.util.types import AnyValue

from vedette import _env

logger = logging.getLogger("vedette")

LabelValue = AnyValue
Attributes = Mapping[str, LabelValue]

# The semantic conventions that our detectors' attributes are those of.
SCHEMA_URL = "https://opentelemetry.io/schemas/1.36.0"

CLOUD_PROVIDER = "cloud.provider"
CLOUD_ACCOUNT_ID = "cloud.account.id"
CLOUD_REGION = "cloud.region"
CLOUD_AVAILABILITY_ZONE = "cloud.availability_zone"
CONTAINER_NAME = "container.name"
CONTAINER_ID = "container.id"
CONTAINER_IMAGE_NAME = "container.image.name"
CONTAINER_IMAGE_TAG = "container.image.tag"
DEPLOYMENT_ENVIRONMENT = "deployment.environment"
FAAS_NAME = "faas.name"
FAAS_ID = "faas.id"
FAAS_VERSION = "faas.version"
FAAS_INSTANCE = "faas.instance"
HOST_NAME = "host.name"
HOST_ARCH = "host.arch"
HOST_ID = "host.id"
HOST_TYPE = "host.type"
HOST_IMAGE_NAME = "host.image.name"
HOST_IMAGE_ID = "host.image.id"
HOST_IMAGE_VERSION = "host.image.version"
KUBERNETES_CLUSTER_NAME = "k8s.cluster.name"
KUBERNETES_NAMESPACE_NAME = "k8s.namespace.name"
KUBERNETES_POD_UID = "k8s.pod.uid"
KUBERNETES_POD_NAME = "k8s.pod.name"
KUBERNETES_CONTAINER_NAME = "k8s.container.name"
KUBERNETES_REPLICA_SET_UID = "k8s.replicaset.uid"
KUBERNETES_REPLICA_SET_NAME = "k8s.replicaset.name"
KUBERNETES_DEPLOYMENT_UID = "k8s.deployment.uid"
KUBERNETES_DEPLOYMENT_NAME = "k8s.deployment.name"
KUBERNETES_STATEFUL_SET_UID = "k8s.statefulset.uid"
KUBERNETES_STATEFUL_SET_NAME = "k8s.statefulset.name"
KUBERNETES_DAEMON_SET_UID = "k8s.daemonset.uid"
KUBERNETES_DAEMON_SET_NAME = "k8s.daemonset.name"
KUBERNETES_JOB_UID = "k8s.job.uid"
KUBERNETES_JOB_NAME = "k8s.job.name"
KUBERNETES_CRON_JOB_UID = "k8s.cronjob.uid"
KUBERNETES_CRON_JOB_NAME = "k8s.cronjob.name"
OS_DESCRIPTION = "os.description"
OS_TYPE = "os.type"
OS_VERSION = "os.version"
PROCESS_PID = "process.pid"
PROCESS_PARENT_PID = "process.parent_pid"
PROCESS_EXECUTABLE_NAME = "process.executable.name"
PROCESS_EXECUTABLE_PATH = "process.executable.path"
PROCESS_COMMAND = "process.command"
PROCESS_COMMAND_LINE = "process.command_line"
PROCESS_COMMAND_ARGS = "process.command_args"
PROCESS_OWNER = "process.owner"
PROCESS_RUNTIME_NAME = "process.runtime.name"
PROCESS_RUNTIME_VERSION = "process.runtime.version"
PROCESS_RUNTIME_DESCRIPTION = "process.runtime.description"
SERVICE_NAME = "service.name"
SERVICE_NAMESPACE = "service.namespace"
SERVICE_INSTANCE_ID = "service.instance.id"
SERVICE_VERSION = "service.version"
TELEMETRY_SDK_NAME = "telemetry.sdk.name"
TELEMETRY_SDK_VERSION = "telemetry.sdk.version"
TELEMETRY_AUTO_VERSION = "telemetry.auto.version"
TELEMETRY_SDK_LANGUAGE = "telemetry.sdk.language"


class Resource:
    """An immutable set of attributes, the same for everything one provider records."""

    def __init__(self, attributes: Attributes, schema_url: str | None = None) -> None:
        self._attributes = BoundedAttributes(attributes=attributes, immutable=True)
        self._schema_url = "" if schema_url is None else schema_url

    @staticmethod
    def create(attributes: Attributes | None = None, schema_url: str | None = None) -> Resource:
        """The given attributes over those detected over the defaults. Detectors must not call this."""
        detected = get_aggregated_resources(_build_resource_detectors(), _default_resource())
        resource = _lay_over(detected, Resource(attributes or {}, schema_url))
        if not resource.attributes.get(SERVICE_NAME):
            program = os.path.basename(sys.executable or "")
            name = f"unknown_service:{program}" if program else "unknown_service"
            resource = resource.merge(Resource({SERVICE_NAME: name}, schema_url))
        return resource

    @staticmethod
    def get_empty() -> Resource:
        return _EMPTY_RESOURCE

    @property
    def attributes(self) -> Attributes:
        return self._attributes

    @property
    def schema_url(self) -> str:
        return self._schema_url

    def merge(self, other: Resource) -> Resource:
        """A resource with the attributes of both; those of ``other`` win. Two different schema URLs cannot
        be merged: that is logged, and this resource stays as it is."""
        if self._schema_url and other.schema_url and self._schema_url != other.schema_url:
            logger.error(
                "Failed to merge resources: The two schemas %s and %s are incompatible",
                self._schema_url,
                other.schema_url,
            )
            return self
        return Resource(
            {**self.attributes, **other.attributes}, self._schema_url or other.schema_url
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return False
        return self._attributes == other._attributes and self._schema_url == other._schema_url

    def __hash__(self) -> int:
        attributes = dumps(dict(self._attributes), sort_keys=True, default=_json_default)
        return hash(f"{attributes}|{self._schema_url}")

    def __repr__(self) -> str:
        return f"Resource({dict(self._attributes)!r}, {self._schema_url!r})"

    def to_json(self, indent: int | None = 4) -> str:
        return dumps(
            {"attributes": dict(self._attributes), "schema_url": self._schema_url},
            indent=indent,
            default=_json_default,
        )


def _json_default(value: object) -> str:
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value)


_EMPTY_RESOURCE = Resource({})


def _default_resource() -> Resource:
    from vedette import __version__

    return Resource(
        {
            TELEMETRY_SDK_LANGUAGE: "python",
            TELEMETRY_SDK_NAME: "vedette",
            TELEMETRY_SDK_VERSION: __version__,
        }
    )


class ResourceDetector(abc.ABC):
    """Finds out something about where the process runs. ``raise_on_error``: what it raises is raised, too,
    by whoever asked."""

    def __init__(self, raise_on_error: bool = False) -> None:
        self.raise_on_error = raise_on_error

    @abc.abstractmethod
    def detect(self) -> Resource:
        """Makes a ``Resource(…)``; not by ``Resource.create``, which would ask this detector again."""

    def is_process_dependent(self) -> bool:
        """Whether it must be asked again in a forked child."""
        return False


class OTELResourceDetector(ResourceDetector):
    """``OTEL_RESOURCE_ATTRIBUTES`` (percent-encoded values) and ``OTEL_SERVICE_NAME``, which wins."""

    def detect(self) -> Resource:
        found: dict[str, AnyValue] = {}
        found.update(_env.given("OTEL_RESOURCE_ATTRIBUTES") or ())
        if name := _env.given("OTEL_SERVICE_NAME"):
            found[SERVICE_NAME] = name
        return Resource(found)


class ProcessResourceDetector(ResourceDetector):
    """``process.*``. The arguments may hold secrets: they are left out unless asked for."""

    def __init__(self, raise_on_error: bool = False, *, include_command_args: bool = False) -> None:
        super().__init__(raise_on_error=raise_on_error)
        self._include_command_args = include_command_args

    def is_process_dependent(self) -> bool:
        return True

    def detect(self) -> Resource:
        info = sys.version_info
        final = info.releaselevel == "final" and not info.serial
        executable = sys.executable or ""
        found: dict[str, AnyValue] = {
            PROCESS_RUNTIME_DESCRIPTION: sys.version,
            PROCESS_RUNTIME_NAME: sys.implementation.name,
            PROCESS_RUNTIME_VERSION: ".".join(map(str, info[:3] if final else info)),
            PROCESS_PID: os.getpid(),
            PROCESS_PARENT_PID: os.getppid(),
            PROCESS_EXECUTABLE_NAME: os.path.basename(executable),
            PROCESS_EXECUTABLE_PATH: executable,
            PROCESS_COMMAND: sys.orig_argv[0] if sys.orig_argv else "",
        }
        if self._include_command_args:
            found[PROCESS_COMMAND_LINE] = " ".join(sys.orig_argv)
            found[PROCESS_COMMAND_ARGS] = list(sys.orig_argv)
        if owner := _user_name():
            found[PROCESS_OWNER] = owner
        return Resource(found, SCHEMA_URL)


def _user_name() -> str | None:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return None


class OsResourceDetector(ResourceDetector):
    """``os.type`` and ``os.version``."""

    def detect(self) -> Resource:
        found = {OS_TYPE: platform.system().lower(), OS_VERSION: platform.release()}
        return Resource(found, SCHEMA_URL)


class _HostResourceDetector(ResourceDetector):
    """``host.name``, ``host.arch``, and ``host.id`` where the machine has one."""

    _MACHINE_ID_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")

    def detect(self) -> Resource:
        found: dict[str, AnyValue] = {
            HOST_NAME: socket.gethostname(),
            HOST_ARCH: platform.machine(),
        }
        for path in self._MACHINE_ID_FILES:
            try:
                with open(path, encoding="utf-8") as file:
                    machine_id = file.read().strip()
            except (OSError, UnicodeDecodeError):
                continue
            if machine_id:
                found[HOST_ID] = machine_id
                break
        return Resource(found, SCHEMA_URL)


class ServiceInstanceIdResourceDetector(ResourceDetector):
    """``service.instance.id``: a random UUID, the same for all in a process, another in a forked child."""

    _known: tuple[int, str] = (0, "")
    _lock = threading.Lock()

    def is_process_dependent(self) -> bool:
        return True

    def detect(self) -> Resource:
        cls = ServiceInstanceIdResourceDetector
        with cls._lock:
            if cls._known[0] != os.getpid():
                cls._known = (os.getpid(), _random_uuid())
            return Resource({SERVICE_INSTANCE_ID: cls._known[1]})


def _random_uuid() -> str:
    """RFC 9562, version 4; without the uuid module, which is dear to import."""
    bits = bytearray(os.urandom(16))
    bits[6] = bits[6] & 0x0F | 0x40
    bits[8] = bits[8] & 0x3F | 0x80
    text = bits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _new_instance_id_lock() -> None:
    ServiceInstanceIdResourceDetector._lock = threading.Lock()


os.register_at_fork(after_in_child=_new_instance_id_lock)

_OWN_DETECTORS: dict[str, type[ResourceDetector]] = {
    "otel": OTELResourceDetector,
    "process": ProcessResourceDetector,
    "os": OsResourceDetector,
    "host": _HostResourceDetector,
    "service_instance": ServiceInstanceIdResourceDetector,
}
_GROUP = "opentelemetry_resource_detector"


def _build_resource_detectors() -> list[ResourceDetector]:
    """Those of ``OTEL_EXPERIMENTAL_RESOURCE_DETECTORS``, in its order, where ``*`` stands for all that are
    installed; the instance id before them and the environment after them unless they are named."""
    names = list(_env.read("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"))
    if "service_instance" not in names:
        names.insert(0, "service_instance")
    names = list(dict.fromkeys([*names, "otel"]))
    if "*" in names:
        from importlib.metadata import entry_points

        installed = {*entry_points(group=_GROUP).names, *_OWN_DETECTORS} - {"otel", *names}
        at = names.index("*")
        names[at : at + 1] = sorted(installed)
    detectors = []
    for name in names:
        try:
            detectors.append(_detector(name))
        except Exception:
            logger.exception("Failed to load resource detector '%s', skipping", name)
    return detectors


def _detector(name: str) -> ResourceDetector:
    if name in _OWN_DETECTORS:
        return _OWN_DETECTORS[name]()
    from importlib.metadata import entry_points

    for entry in entry_points(group=_GROUP, name=name):
        return entry.load()()
    raise LookupError(f"no entry point {name!r} in the group {_GROUP!r}")


def _get_process_dependent_resource() -> Resource:
    """What is different in a forked child."""
    detectors = [d for d in _build_resource_detectors() if d.is_process_dependent()]
    return get_aggregated_resources(detectors, Resource.get_empty())


def get_aggregated_resources(
    detectors: Sequence[ResourceDetector],
    initial_resource: Resource | None = None,
    timeout: int = 5,
) -> Resource:
    """``initial_resource`` (``Resource.create()`` if there is none) with what the detectors find laid over it,
    in their order. A detector that takes longer than ``timeout`` seconds is left out."""
    resource = initial_resource or Resource.create()
    for detector, found in _detect_all(detectors, timeout):
        if isinstance(found, BaseException):
            if getattr(detector, "raise_on_error", False):
                raise found
            logger.warning("Exception %r in detector %s, ignoring", found, detector)
        else:
            resource = _lay_over(resource, found)
    return resource


def _lay_over(base: Resource, found: Resource) -> Resource:
    """As ``merge``, but what our detectors say of their schema gives way to any other."""
    if found.schema_url and base.schema_url not in ("", found.schema_url):
        if found.schema_url == SCHEMA_URL:
            found = Resource(found.attributes)
        elif base.schema_url == SCHEMA_URL:
            base = Resource(base.attributes)
    return base.merge(found)


def _detect_all(
    detectors: Sequence[ResourceDetector], timeout: float
) -> Iterable[tuple[ResourceDetector, Any]]:
    """Each with its resource or what it raised. Our own never block: no thread for those."""
    own = tuple(_OWN_DETECTORS.values())
    waiting: dict[int, tuple[threading.Thread, list[Any]]] = {}
    for index, detector in enumerate(detectors):
        if type(detector) not in own:
            answers: list[Any] = []
            thread = threading.Thread(
                target=lambda d=detector, a=answers: a.append(_try_detect(d)), daemon=True
            )
            thread.start()
            waiting[index] = thread, answers
    for index, detector in enumerate(detectors):
        if index not in waiting:
            yield detector, _try_detect(detector)
            continue
        thread, answers = waiting[index]
        thread.join(timeout)
        late = TimeoutError(f"took longer than {timeout} seconds")
        yield detector, answers[0] if answers else late


def _try_detect(detector: ResourceDetector) -> Any:
    try:
        return detector.detect()
    except Exception as error:
        return error
