#include "sdk/transport.h"

#include <libdeflate.h>

#include "wire/otlp_to_json.h"

namespace vedette::sdk {

std::unique_ptr<Transport> Transport::make(Endpoint endpoint) {
  if (endpoint.protocol == Protocol::kGrpc) return make_grpc_transport(std::move(endpoint));
  if (endpoint.protocol == Protocol::kFile) return make_file_transport(std::move(endpoint));
  return make_http_transport(std::move(endpoint));
}

std::string json_of(Signal signal, std::string_view request) {
  const auto as = signal == Signal::kTraces ? wire::Signal::kTraces
                  : signal == Signal::kLogs ? wire::Signal::kLogs
                                            : wire::Signal::kMetrics;
  return wire::otlp_to_json(as, request);
}

std::string_view user_agent() {
  return "OTel-OTLP-Exporter-Vedette/0.1.0";
}

namespace {

template <typename Bound, typename Compress>
std::string compressed(std::string_view bytes, Bound bound, Compress compress) {
  std::string out;
  // Level 3: as small as level 6 within a few percent on OTLP, at half the time.
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(3);
  if (!compressor) return out;
  out.resize(bound(compressor, bytes.size()));
  out.resize(compress(compressor, bytes.data(), bytes.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

}  // namespace

std::string gzip(std::string_view bytes) {
  return compressed(bytes, libdeflate_gzip_compress_bound, libdeflate_gzip_compress);
}

std::string deflate(std::string_view bytes) {
  return compressed(bytes, libdeflate_zlib_compress_bound, libdeflate_zlib_compress);
}

}  // namespace vedette::sdk
