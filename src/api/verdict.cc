#include "api/verdict.h"

#include <cstdio>

#include "base/time_text.h"

namespace vedette::api {
namespace {

constexpr int64_t kMinuteNs = 60 * base::kNsPerSecond;

// What counts as bad. Ratios are compared by their lower bound, so that few requests do not alarm.
constexpr double kBrokenRatio = 0.05;
constexpr double kDegradingRatio = 0.01;
constexpr double kUnusualRatio = 0.002;  // together with three times the usual
constexpr double kUnusualFactor = 3;
constexpr double kSlowSeconds = 0.5;      // the objective for 95% of requests
constexpr double kVerySlowSeconds = 1.0;  // together with five times the usual
constexpr double kSlowFactor = 2;
constexpr double kVerySlowFactor = 5;
constexpr double kSlowerByAtLeast = 0.05;  // seconds
constexpr double kLatencyRequestsMin = 20;

struct Ratio {
  double all = 0;
  double bad = 0;
  double value() const { return all > 0 ? bad / all : 0; }
};

/// Sums minutes [from, to), counted back from the end.
Ratio sum(const Traffic& traffic, size_t from, size_t to) {
  Ratio ratio;
  const size_t size = traffic.requests.size();
  for (size_t back = from; back < std::min(to, size); ++back) {
    ratio.all += traffic.requests[size - 1 - back];
    ratio.bad += traffic.failed[size - 1 - back];
  }
  return ratio;
}

std::optional<State> judge_ratio(const Ratio& now, const Ratio& usual) {
  if (now.bad < kBadRequestsMin) return std::nullopt;
  const double at_least = wilson_lower_bound(now.bad, now.all);
  if (at_least >= kBrokenRatio) return State::kBroken;
  if (at_least >= kDegradingRatio) return State::kDegrading;
  if (at_least >= kUnusualRatio && usual.all > 0 && at_least >= kUnusualFactor * usual.value())
    return State::kDegrading;
  return std::nullopt;
}

/// The start of the run of bad minutes that leads up to now; up to two good minutes in a row may
/// lie between.
int64_t bad_since(const Traffic& traffic, double bad_ratio, int64_t now_ns) {
  int64_t since = now_ns - kMinuteNs;
  size_t good = 0;
  for (size_t back = 0; back < traffic.requests.size() && good <= 2; ++back) {
    const Ratio minute = sum(traffic, back, back + 1);
    if (minute.bad > 0 && minute.value() >= bad_ratio) {
      since = now_ns - static_cast<int64_t>(back + 1) * kMinuteNs;
      good = 0;
    } else {
      ++good;
    }
  }
  return since;
}

std::string percent(double ratio) {
  char text[32];
  const double p = ratio * 100;
  std::snprintf(text, sizeof text, p > 0 && p < 9.95 ? "%.1f%%" : "%.0f%%", p);
  return text;
}

std::string seconds_text(double seconds) {
  return base::format_duration(static_cast<int64_t>(seconds * 1e9));
}

std::string for_how_long(int64_t since_ns, int64_t now_ns) {
  const int64_t minutes = std::max<int64_t>(1, (now_ns - since_ns) / kMinuteNs);
  if (minutes == 1) return ", for a minute";
  if (minutes >= static_cast<int64_t>(kUsualMinutes)) return ", for an hour or more";
  return ", for " + std::to_string(minutes) + " minutes";
}

std::string usually(const std::optional<double>& usual, std::string (*format)(double)) {
  return usual ? " (usually " + format(*usual) + ")" : "";
}

/// Too many of `traffic` fail? Words go before and behind the percentage.
std::optional<Cause> judge_errors(const Traffic& traffic, int64_t now_ns, const std::string& before,
                                  const std::string& behind) {
  const Ratio now = sum(traffic, 0, kWindowMinutes);
  const Ratio usual = sum(traffic, kWindowMinutes, kWindowMinutes + kUsualMinutes);
  const auto state = judge_ratio(now, usual);
  if (!state) return std::nullopt;
  Cause cause;
  cause.kind = "errors";
  cause.state = *state;
  cause.value = now.value();
  if (usual.all > 0) cause.usual = usual.value();
  cause.since_ns = bad_since(traffic, now.value() / 2, now_ns);
  cause.sentence = before + percent(now.value()) + behind + usually(cause.usual, percent) +
                   for_how_long(cause.since_ns, now_ns) + ".";
  return cause;
}

std::optional<Cause> judge_latency(const Latency& latency, double requests, bool with_objective,
                                   int64_t now_ns, const std::string& before) {
  if (!latency.p95_seconds || requests < kLatencyRequestsMin) return std::nullopt;
  const double p95 = *latency.p95_seconds;
  const double usual = latency.usual_p95_seconds.value_or(p95);
  const bool slower = p95 > kSlowFactor * usual && p95 - usual > kSlowerByAtLeast;
  const bool over_objective = with_objective && p95 > kSlowSeconds;
  if (!slower && !over_objective) return std::nullopt;
  Cause cause;
  cause.kind = "latency";
  cause.slow = true;
  cause.state = slower && p95 > kVerySlowFactor * usual && p95 > kVerySlowSeconds
                    ? State::kBroken
                    : State::kDegrading;
  cause.value = p95;
  cause.usual = latency.usual_p95_seconds;
  cause.since_ns = now_ns - static_cast<int64_t>(kWindowMinutes) * kMinuteNs;
  cause.sentence = before + seconds_text(p95) + usually(cause.usual, seconds_text) + ".";
  return cause;
}

void judge_dependencies(const ServiceSigns& signs, int64_t now_ns, std::vector<Cause>& causes) {
  for (const DependencySigns& d : signs.dependencies) {
    auto cause =
        judge_errors(d.calls, now_ns, "Calls to " + d.name + " fail: ", " of them end in an error");
    if (!cause) {
      const Ratio now = sum(d.calls, 0, kWindowMinutes);
      cause = judge_latency(d.latency, now.all, false, now_ns,
                            "Calls to " + d.name + " are slow: one in twenty takes longer than ");
    }
    if (!cause) continue;
    cause->kind = "dependency";
    cause->subject = d.name;
    cause->trace_id = d.trace_id;
    causes.push_back(std::move(*cause));
  }
}

void judge_targets(const ServiceSigns& signs, int64_t now_ns, std::vector<Cause>& causes) {
  const bool any_up = std::any_of(signs.targets.begin(), signs.targets.end(),
                                  [](const TargetSigns& t) { return t.up; });
  for (const TargetSigns& t : signs.targets) {
    if (t.up) continue;
    Cause cause;
    cause.kind = "target";
    cause.state = any_up ? State::kDegrading : State::kBroken;
    cause.subject = t.instance;
    cause.since_ns = t.down_since_ns;
    cause.sentence = t.job + " at " + t.instance + " does not answer its scrapes" +
                     for_how_long(t.down_since_ns, now_ns) + ".";
    causes.push_back(std::move(cause));
  }
}

/// A dependency that fails harms its caller, but whether it breaks it is for the caller's own
/// figures to say.
State weight(const Cause& cause) {
  return cause.kind == "dependency" ? std::min(cause.state, State::kDegrading) : cause.state;
}

std::string service_sentence(const ServiceVerdict& v) {
  if (!v.causes.empty()) {
    return v.causes.front().sentence;
  }
  if (v.state == State::kUnknown) return "No requests in the last five minutes.";
  char rate[32];
  std::snprintf(rate, sizeof rate, v.requests_per_second < 10 ? "%.1f" : "%.0f",
                v.requests_per_second);
  std::string text =
      std::string(rate) + " requests a second, " + percent(v.error_ratio.value_or(0)) + " fail";
  if (v.p95_seconds) text += ", 95% within " + seconds_text(*v.p95_seconds);
  return text + ".";
}

std::string lower_first(std::string text) {
  // "12% of …" and names stay as they are; "Calls to …" becomes "calls to …".
  if (text.starts_with("Calls ") || text.starts_with("One "))
    text[0] = static_cast<char>(std::tolower(text[0]));
  return text;
}

std::string overall_sentence(const Verdict& v) {
  if (v.services.empty())
    return "Nothing was heard yet. Point an OTLP exporter at this server, or add a scrape target.";
  if (v.state == State::kUnknown) return "Nothing was heard in the last five minutes.";
  const auto bad = std::count_if(v.services.begin(), v.services.end(), [](const ServiceVerdict& s) {
    return s.state >= State::kDegrading;
  });
  const ServiceVerdict& worst = v.services.front();
  if (bad == 0) {
    double rate = 0;
    for (const ServiceVerdict& s : v.services) rate += s.requests_per_second;
    char text[64];
    std::snprintf(text, sizeof text,
                  rate < 10 ? "%.1f requests a second" : "%.0f requests a second", rate);
    return "Everything is healthy: " + std::to_string(v.services.size()) +
           (v.services.size() == 1 ? " service, " : " services, ") + text + ".";
  }
  std::string sentence = worst.service + " is " + std::string(state_name(worst.state)) + ": " +
                         lower_first(worst.sentence);
  if (bad == 2) sentence += " Another service has problems too.";
  if (bad > 2) sentence += " " + std::to_string(bad - 1) + " more services have problems.";
  return sentence;
}

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::kUnknown:
      return "unknown";
    case State::kHealthy:
      return "healthy";
    case State::kDegrading:
      return "degrading";
    case State::kBroken:
      return "broken";
  }
  return "unknown";
}

double wilson_lower_bound(double bad, double all) {
  if (all <= 0) return 0;
  constexpr double kZ = 1.96;
  const double p = std::min(1.0, bad / all);
  const double z2 = kZ * kZ;
  const double centre = p + z2 / (2 * all);
  const double margin = kZ * std::sqrt(p * (1 - p) / all + z2 / (4 * all * all));
  return std::max(0.0, (centre - margin) / (1 + z2 / all));
}

ServiceVerdict judge_service(const ServiceSigns& signs, int64_t now_ns) {
  ServiceVerdict v;
  v.service = signs.service;
  const Ratio now = sum(signs.requests, 0, kWindowMinutes);
  v.requests_per_second = now.all / (kWindowMinutes * 60);
  if (now.all > 0) v.error_ratio = now.value();
  v.p95_seconds = signs.latency.p95_seconds;
  if (auto cause = judge_errors(signs.requests, now_ns, "", " of requests fail")) {
    cause->trace_id = signs.failed_trace_id;
    v.causes.push_back(std::move(*cause));
  }
  if (auto cause = judge_latency(signs.latency, now.all, true, now_ns,
                                 "One request in twenty takes longer than ")) {
    cause->trace_id = signs.slow_trace_id;
    v.causes.push_back(std::move(*cause));
  }
  judge_dependencies(signs, now_ns, v.causes);
  judge_targets(signs, now_ns, v.causes);
  std::stable_sort(v.causes.begin(), v.causes.end(),
                   [](const Cause& a, const Cause& b) { return weight(a) > weight(b); });
  const bool heard = now.all > 0 || !signs.targets.empty();
  v.state = heard ? State::kHealthy : State::kUnknown;
  if (!v.causes.empty()) {
    v.state = weight(v.causes.front());
    v.since_ns = v.causes.front().since_ns;
  }
  v.sentence = service_sentence(v);
  return v;
}

Verdict judge(std::vector<ServiceSigns> signs, int64_t now_ns) {
  Verdict verdict;
  for (const ServiceSigns& s : signs) verdict.services.push_back(judge_service(s, now_ns));
  std::stable_sort(verdict.services.begin(), verdict.services.end(),
                   [](const ServiceVerdict& a, const ServiceVerdict& b) {
                     return a.state != b.state ? a.state > b.state
                                               : a.requests_per_second > b.requests_per_second;
                   });
  if (!verdict.services.empty()) {
    verdict.state = verdict.services.front().state;
    verdict.since_ns = verdict.services.front().since_ns;
  }
  verdict.sentence = overall_sentence(verdict);
  return verdict;
}

}  // namespace vedette::api
