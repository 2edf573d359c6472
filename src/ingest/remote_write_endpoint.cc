#include "ingest/remote_write_endpoint.h"

#include "ingest/retry.h"

namespace vedette::ingest {
namespace {

net::HttpResponse text(int status, std::string message) {
  net::HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(message) + "\n";
  return response;
}

// Why the headers promise something else than remote write 1.0; empty if they don't. Senders of 2.0
// fall back to 1.0 on 415.
std::string_view unsupported(const net::Headers& headers) {
  const std::string_view type = net::find_header(headers, "content-type").value_or("");
  if (!type.starts_with("application/x-protobuf")) {
    return "remote write takes Content-Type application/x-protobuf";
  }
  const size_t proto = type.find("proto=");
  if (proto != type.npos && type.substr(proto + 6) != "prometheus.WriteRequest") {
    return "this server takes remote write 1.0, that is proto=prometheus.WriteRequest";
  }
  const auto coding = net::find_header(headers, "content-encoding");
  if (coding && *coding != "snappy") return "remote write takes Content-Encoding snappy";
  return {};
}

net::HttpResponse answer(const Result<Outcome>& result) {
  if (result.ok()) {
    if (result->rejected == 0) return {.status = 204};
    // What could be kept is kept; 400 tells the sender that the rest never will be.
    return text(400,
                std::to_string(result->rejected) + " samples were rejected: " + result->message);
  }
  auto response = text(write_error_status(result.error().code), result.error().message);
  if (const auto after = retry_after(result.error().code)) {
    response.headers.emplace_back("retry-after", std::to_string(after->count()));
  }
  return response;
}

}  // namespace

void add_remote_write_endpoint(net::Router& router, Pipeline& pipeline) {
  router.http("POST", "/api/v1/write",
              [&pipeline](net::HttpRequest&& request, net::Responder respond) {
                if (const auto why = unsupported(request.headers); !why.empty()) {
                  return respond(text(415, std::string(why)));
                }
                pipeline.remote_write(
                    request.body, [respond = std::make_shared<net::Responder>(std::move(respond))](
                                      Result<Outcome> result) { (*respond)(answer(result)); });
              });
}

}  // namespace vedette::ingest
