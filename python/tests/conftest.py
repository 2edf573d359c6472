from app_client import observed  # noqa: F401 (fixtures)
from sink import grpc_sink, http_sink  # noqa: F401
