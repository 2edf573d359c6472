#include "api/runner.h"

#include <gtest/gtest.h>

#include <future>

#include "api/answer.h"

namespace vedette::api {
namespace {

/// Sends one request through the router as a reactor would; the answer comes from the pool.
std::future<net::HttpResponse> send(const net::Router& router,
                                    std::shared_ptr<std::atomic<bool>> cancelled = nullptr) {
  auto promise = std::make_shared<std::promise<net::HttpResponse>>();
  net::HttpRequest request;
  request.method = "GET";
  request.path = "/work";
  request.cancelled = cancelled ? cancelled : std::make_shared<std::atomic<bool>>(false);
  router.find_http("GET", "/work")
      .route->handler(std::move(request), net::Responder([promise](net::HttpResponse&& r) {
                        promise->set_value(std::move(r));
                      }));
  return promise->get_future();
}

TEST(Runner, AnswersFromThePool) {
  net::Router router;
  Runner runner({});
  const auto reactor = std::this_thread::get_id();
  runner.serve(
      router, "GET", "/work",
      [&](const net::HttpRequest& r, const store::ReadContext& context) {
        EXPECT_NE(std::this_thread::get_id(), reactor);
        EXPECT_TRUE(context.check().ok());
        return json_answer(r.path);
      },
      error_answer);
  EXPECT_EQ(send(router).get().body, "/work");
  EXPECT_EQ(runner.stats().refused, 0u);
}

TEST(Runner, RefusesWhenTheQueueIsFull) {
  net::Router router;
  std::promise<void> gate, started;
  auto opened = gate.get_future().share();
  Runner runner({.threads = 1, .queue_max = 1});
  std::atomic<int> calls{0};
  runner.serve(
      router, "GET", "/work",
      [&, opened](const net::HttpRequest&, const store::ReadContext&) {
        if (calls++ == 0) started.set_value();
        opened.wait();
        return json_answer("{}");
      },
      error_answer);
  auto first = send(router);
  started.get_future().wait();
  auto second = send(router);
  const net::HttpResponse third = send(router).get();
  EXPECT_EQ(third.status, 503);
  gate.set_value();
  EXPECT_EQ(first.get().status, 200);
  EXPECT_EQ(second.get().status, 200);
}

TEST(Runner, DoesNotBeginWhatIsCancelledOrTooLate) {
  net::Router router;
  Runner runner({.timeout = std::chrono::milliseconds(-1)});
  runner.serve(
      router, "GET", "/work",
      [&](const net::HttpRequest&, const store::ReadContext&) {
        ADD_FAILURE() << "must not run";
        return json_answer("{}");
      },
      error_answer);
  EXPECT_EQ(send(router).get().status, 504);
  net::Router patient_router;
  Runner patient({});
  patient.serve(
      patient_router, "GET", "/work",
      [&](const net::HttpRequest&, const store::ReadContext&) {
        ADD_FAILURE() << "must not run";
        return json_answer("{}");
      },
      error_answer);
  EXPECT_NE(send(patient_router, std::make_shared<std::atomic<bool>>(true)).get().status, 200);
}

TEST(Runner, AnExceptionIsAnAnswer) {
  net::Router router;
  Runner runner({});
  runner.serve(
      router, "GET", "/work",
      [](const net::HttpRequest&, const store::ReadContext&) -> net::HttpResponse {
        throw std::runtime_error("oops");
      },
      error_answer);
  EXPECT_EQ(send(router).get().status, 500);
}

}  // namespace
}  // namespace vedette::api
