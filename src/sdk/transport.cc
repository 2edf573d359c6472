#include "sdk/transport.h"

#include <libdeflate.h>

namespace vedette::sdk {

std::unique_ptr<Transport> Transport::make(Endpoint endpoint) {
  if (endpoint.protocol == Protocol::kGrpc) return make_grpc_transport(std::move(endpoint));
  return make_http_transport(std::move(endpoint));
}

std::string_view user_agent() {
  return "OTel-OTLP-Exporter-Vedette/0.1.0";
}

std::string gzip(std::string_view bytes) {
  std::string out;
  // Level 3: as small as level 6 within a few percent on OTLP, at half the time.
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(3);
  if (!compressor) return out;
  out.resize(libdeflate_gzip_compress_bound(compressor, bytes.size()));
  out.resize(
      libdeflate_gzip_compress(compressor, bytes.data(), bytes.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

}  // namespace vedette::sdk
