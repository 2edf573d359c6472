#include "ingest/otlp_endpoints.h"

#include "ingest/retry.h"

namespace vedette::ingest {
namespace {

using wire::Encoding;
using wire::Signal;

std::optional<Encoding> encoding_of(const net::Headers& headers) {
  std::string_view type = net::find_header(headers, "content-type").value_or("");
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  std::string lower(type);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "application/x-protobuf") return Encoding::kProtobuf;
  if (lower == "application/json") return Encoding::kJson;
  return std::nullopt;
}

net::HttpResponse http_answer(Signal signal, Encoding encoding, const Result<Outcome>& result) {
  net::HttpResponse response;
  response.content_type = wire::content_type(encoding);
  if (result.ok()) {
    response.body = wire::export_response(signal, encoding, result->rejected, result->message);
    return response;
  }
  const Error& error = result.error();
  response.status = write_error_status(error.code);
  response.body =
      wire::status_body(encoding, static_cast<int>(net::grpc_code(error.code)), error.message);
  if (const auto after = retry_after(error.code)) {
    response.headers.emplace_back("retry-after", std::to_string(after->count()));
  }
  return response;
}

net::HttpResponse unsupported_type() {
  net::HttpResponse response;
  response.status = 415;
  response.content_type = "text/plain; charset=utf-8";
  response.body =
      "OTLP takes Content-Type application/x-protobuf or application/json, plain or gzip\n";
  return response;
}

net::GrpcResponse grpc_answer(Signal signal, const Result<Outcome>& result) {
  net::GrpcResponse response;
  if (result.ok()) {
    response.message =
        wire::export_response(signal, Encoding::kProtobuf, result->rejected, result->message);
    return response;
  }
  const Error& error = result.error();
  // The exporters retry UNAVAILABLE, and RESOURCE_EXHAUSTED with RetryInfo; nothing else that we
  // send.
  response.code =
      error.code == Code::kIo ? net::GrpcCode::kUnavailable : net::grpc_code(error.code);
  response.error = error.message;
  if (const auto after = retry_after(error.code)) {
    response.retry_after_ms =
        static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(*after).count());
  }
  return response;
}

// std::function wants copies; a responder has none.
template <typename Responder>
std::shared_ptr<Responder> shared(Responder responder) {
  return std::make_shared<Responder>(std::move(responder));
}

void add(net::Router& router, Pipeline& pipeline, Signal signal, std::string path,
         std::string method) {
  router.http("POST", std::move(path),
              [&pipeline, signal](net::HttpRequest&& request, net::Responder respond) {
                const auto encoding = encoding_of(request.headers);
                const auto coding = net::find_header(request.headers, "content-encoding");
                if (!encoding || coding == "snappy") return respond(unsupported_type());
                pipeline.otlp(signal, *encoding, request.body,
                              [signal, encoding = *encoding,
                               respond = shared(std::move(respond))](Result<Outcome> result) {
                                (*respond)(http_answer(signal, encoding, result));
                              });
              });
  router.grpc(std::move(method), [&pipeline, signal](net::GrpcRequest&& request,
                                                     net::GrpcResponder respond) {
    pipeline.otlp(signal, Encoding::kProtobuf, request.message,
                  [signal, respond = shared(std::move(respond))](Result<Outcome> result) {
                    (*respond)(grpc_answer(signal, result));
                  });
  });
}

}  // namespace

void add_otlp_endpoints(net::Router& router, Pipeline& pipeline) {
  add(router, pipeline, Signal::kTraces, "/v1/traces",
      "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
  add(router, pipeline, Signal::kLogs, "/v1/logs",
      "/opentelemetry.proto.collector.logs.v1.LogsService/Export");
  add(router, pipeline, Signal::kMetrics, "/v1/metrics",
      "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");
}

}  // namespace vedette::ingest
