#include "api/verdict.h"

#include <gmock/gmock.h>

namespace vedette::api {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kNow = 1'769'860'800'000'000'000;
constexpr int64_t kMinute = 60'000'000'000;

/// An hour and five minutes of even traffic, in which the last `bad_minutes` have `ratio` of
/// errors.
Traffic traffic(double per_minute, double usual_ratio, double ratio, size_t bad_minutes) {
  Traffic t;
  const size_t minutes = kWindowMinutes + kUsualMinutes;
  for (size_t i = 0; i < minutes; ++i) {
    t.requests.push_back(per_minute);
    t.failed.push_back(per_minute * (i + bad_minutes >= minutes ? ratio : usual_ratio));
  }
  return t;
}

ServiceSigns shop(Traffic requests) {
  ServiceSigns s;
  s.service = "shop";
  s.requests = std::move(requests);
  return s;
}

TEST(Verdict, Healthy) {
  const auto v = judge_service(shop(traffic(600, 0.001, 0.001, 5)), kNow);
  EXPECT_EQ(v.state, State::kHealthy);
  EXPECT_EQ(v.sentence, "10 requests a second, 0.1% fail.");
  EXPECT_EQ(v.since_ns, 0);
}

TEST(Verdict, BrokenSaysHowMuchSinceWhenAndShowsOne) {
  auto signs = shop(traffic(600, 0.001, 0.12, 7));
  signs.failed_trace_id = "abc";
  const auto v = judge_service(signs, kNow);
  EXPECT_EQ(v.state, State::kBroken);
  EXPECT_EQ(v.since_ns, kNow - 7 * kMinute);
  ASSERT_EQ(v.causes.size(), 1u);
  EXPECT_EQ(v.causes[0].trace_id, "abc");
  EXPECT_EQ(v.sentence, "12% of requests fail (usually 0.5%), for 7 minutes.");
}

TEST(Verdict, DegradingBetweenTheTwo) {
  EXPECT_EQ(judge_service(shop(traffic(600, 0, 0.03, 5)), kNow).state, State::kDegrading);
  EXPECT_EQ(judge_service(shop(traffic(60'000, 0.0001, 0.004, 5)), kNow).state, State::kDegrading)
      << "far from usual";
  EXPECT_EQ(judge_service(shop(traffic(60'000, 0.004, 0.004, 5)), kNow).state, State::kHealthy)
      << "as usual";
}

TEST(Verdict, FewRequestsDoNotAlarm) {
  Traffic t;
  t.requests = {0, 0, 0, 0, 4};
  t.failed = t.requests;
  EXPECT_EQ(judge_service(shop(t), kNow).state, State::kHealthy) << "four bad requests are too few";
  t.requests[4] = t.failed[4] = 5;
  EXPECT_EQ(judge_service(shop(t), kNow).state, State::kBroken);
}

TEST(Verdict, SilenceIsUnknown) {
  const auto v = judge_service(shop(traffic(0, 0, 0, 0)), kNow);
  EXPECT_EQ(v.state, State::kUnknown);
  EXPECT_FALSE(v.error_ratio);
  EXPECT_EQ(judge({}, kNow).state, State::kUnknown);
  EXPECT_THAT(judge({}, kNow).sentence, HasSubstr("Nothing was heard yet"));
}

TEST(Verdict, SlowerThanUsual) {
  auto signs = shop(traffic(600, 0, 0, 0));
  signs.latency = {0.3, 0.1};
  EXPECT_EQ(judge_service(signs, kNow).state, State::kDegrading);
  signs.latency = {0.12, 0.04};
  EXPECT_EQ(judge_service(signs, kNow).state, State::kDegrading);
  signs.latency = {0.03, 0.01};
  EXPECT_EQ(judge_service(signs, kNow).state, State::kHealthy) << "20 ms are nothing";
  signs.latency = {0.6, 0.6};
  EXPECT_EQ(judge_service(signs, kNow).state, State::kDegrading) << "over the objective";
  signs.latency = {2.0, 0.1};
  const auto v = judge_service(signs, kNow);
  EXPECT_EQ(v.state, State::kBroken);
  EXPECT_EQ(v.sentence, "One request in twenty takes longer than 2.00 s (usually 100 ms).");
}

TEST(Verdict, AFailingDependencyIsNamedButBreaksOnlyItsCallerIfThatFails) {
  auto signs = shop(traffic(600, 0, 0, 0));
  DependencySigns payments;
  payments.name = "payments";
  payments.calls = traffic(100, 0, 0.31, 5);
  payments.trace_id = "t";
  signs.dependencies.push_back(payments);
  auto v = judge_service(signs, kNow);
  EXPECT_EQ(v.state, State::kDegrading);
  EXPECT_EQ(v.sentence,
            "Calls to payments fail: 31% of them end in an error (usually 0%), for 5 minutes.");
  EXPECT_EQ(v.causes[0].kind, "dependency");
  EXPECT_EQ(v.causes[0].state, State::kBroken);
  signs.requests = traffic(600, 0, 0.1, 5);
  v = judge_service(signs, kNow);
  EXPECT_EQ(v.state, State::kBroken);
  EXPECT_EQ(v.causes[0].kind, "errors");
  EXPECT_EQ(v.causes[1].kind, "dependency");
}

TEST(Verdict, TargetsThatDoNotAnswer) {
  auto signs = shop(traffic(600, 0, 0, 0));
  signs.targets = {{"shop", "a:1", true, 0}, {"shop", "b:1", false, kNow - 3 * kMinute}};
  EXPECT_EQ(judge_service(signs, kNow).state, State::kDegrading) << "another one still answers";
  signs.targets[0] = {"shop", "a:1", false, kNow - kMinute};
  const auto v = judge_service(signs, kNow);
  EXPECT_EQ(v.state, State::kBroken);
  EXPECT_EQ(v.causes[1].sentence, "shop at b:1 does not answer its scrapes, for 3 minutes.");
}

TEST(Verdict, TheWorstComesFirst) {
  auto calm = shop(traffic(600, 0, 0, 0));
  calm.service = "calm";
  auto mail = shop(traffic(60, 0, 0.5, 5));
  mail.service = "mail";
  const auto v = judge({calm, mail}, kNow);
  EXPECT_EQ(v.state, State::kBroken);
  EXPECT_EQ(v.services[0].service, "mail");
  EXPECT_EQ(v.sentence, "mail is broken: 50% of requests fail (usually 0%), for 5 minutes.");
  EXPECT_THAT(judge({calm}, kNow).sentence,
              HasSubstr("Everything is healthy: 1 service, 10 requests a second."));
}

TEST(Verdict, WilsonBound) {
  EXPECT_EQ(wilson_lower_bound(0, 0), 0);
  EXPECT_NEAR(wilson_lower_bound(5, 5), 0.566, 0.001);
  EXPECT_NEAR(wilson_lower_bound(50, 1000), 0.0381, 0.0005);
}

}  // namespace
}  // namespace vedette::api
