#include "api/vedette_api.h"

#include "api/answer.h"
#include "api/runner.h"

namespace vedette::api {
namespace {

using Handler = Answer (*)(const VedetteApi&, const net::Parameters&, const store::ReadContext&);

constexpr std::string_view kTracePrefix = "/vedette/v1/traces/";

void serve(net::Router& router, Runner& runner, const VedetteApi& api, const char* path,
           Handler handler) {
  runner.serve(
      router, "GET", path,
      [api, handler](const net::HttpRequest& request, const store::ReadContext& context) {
        const auto parameters = net::Parameters::of(request);
        return parameters.ok() ? answer(handler(api, *parameters, context))
                               : error_answer(parameters.error());
      },
      error_answer);
}

}  // namespace

void serve_vedette_api(net::Router& router, Runner& runner, const VedetteApi& api) {
  serve(router, runner, api, "/vedette/v1/services", list_services);
  serve(router, runner, api, "/vedette/v1/operations", list_operations);
  serve(router, runner, api, "/vedette/v1/fields", list_fields);
  serve(router, runner, api, "/vedette/v1/values", list_values);
  serve(router, runner, api, "/vedette/v1/traces", find_traces);
  serve(router, runner, api, "/vedette/v1/traces/histogram", trace_histogram);
  serve(router, runner, api, "/vedette/v1/logs", find_logs);
  serve(router, runner, api, "/vedette/v1/logs/histogram", log_histogram);
  serve(router, runner, api, "/vedette/v1/verdict", show_verdict);
  serve(router, runner, api, "/vedette/v1/targets", list_targets);
  serve(router, runner, api, "/vedette/v1/status", show_status);
  runner.serve(
      router, "GET", std::string(kTracePrefix) + "*",
      [api](const net::HttpRequest& request, const store::ReadContext& context) {
        return answer(
            show_trace(api, std::string_view(request.path).substr(kTracePrefix.size()), context));
      },
      error_answer);
  router.http("GET", "/vedette/v1/*", [](net::HttpRequest&& request, net::Responder respond) {
    respond(error_answer(
        {Code::kNotFound, "there is no " + request.path + "; docs/api.md lists what there is"}));
  });
}

}  // namespace vedette::api
