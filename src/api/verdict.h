// The verdict: is a service healthy, degrading or broken, since when, because of what. A pure
// function of signs (verdict_signs.h gathers them), so that pages, the API and tests all get the
// same answer from the same figures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vedette::api {

/// From best to worst; kUnknown: nothing was heard.
enum class State : uint8_t { kUnknown, kHealthy, kDegrading, kBroken };
std::string_view state_name(State state);

/// Requests by minute, oldest first; the last minute ends at the moment of the verdict.
struct Traffic {
  std::vector<double> requests;
  std::vector<double> failed;
};

struct Latency {
  std::optional<double> p95_seconds;
  std::optional<double> usual_p95_seconds;
};

/// Calls of a service to something else.
struct DependencySigns {
  std::string name;
  Traffic calls;
  Latency latency;
  std::string trace_id;  // of a failed or slow call
};

struct TargetSigns {
  std::string job;
  std::string instance;
  bool up = true;
  int64_t down_since_ns = 0;
};

struct ServiceSigns {
  std::string service;
  Traffic requests;
  Latency latency;
  std::vector<DependencySigns> dependencies;
  std::vector<TargetSigns> targets;
  std::string failed_trace_id;
  std::string slow_trace_id;
};

struct Cause {
  std::string kind;  // errors, latency, dependency, target
  State state = State::kDegrading;
  std::string sentence;
  std::string subject;
  double value = 0;
  std::optional<double> usual;
  int64_t since_ns = 0;
  std::string trace_id;
  bool slow = false;  // takes too long, rather than fails
};

struct ServiceVerdict {
  std::string service;
  State state = State::kUnknown;
  std::string sentence;
  int64_t since_ns = 0;  // of the worst cause; 0 when healthy or unknown
  double requests_per_second = 0;
  std::optional<double> error_ratio;
  std::optional<double> p95_seconds;
  std::vector<Cause> causes;  // worst first
};

struct Verdict {
  State state = State::kUnknown;
  std::string sentence;
  int64_t since_ns = 0;
  std::vector<ServiceVerdict> services;  // worst first
};

/// Minutes that are looked at, and minutes before them that say what is usual.
inline constexpr size_t kWindowMinutes = 5;
inline constexpr size_t kUsualMinutes = 60;
/// With fewer bad requests than this nothing is called bad.
inline constexpr double kBadRequestsMin = 5;

ServiceVerdict judge_service(const ServiceSigns& signs, int64_t now_ns);
Verdict judge(std::vector<ServiceSigns> signs, int64_t now_ns);

/// Lower end of the 95% Wilson interval of bad/all: what the true ratio is at least, most likely.
double wilson_lower_bound(double bad, double all);

}  // namespace vedette::api
