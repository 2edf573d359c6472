// Turns requests into work on a pool, each with a deadline and the client's cancellation, so that
// reactors never wait for a query.
#pragma once

#include <chrono>
#include <functional>

#include "base/result.h"
#include "base/thread_pool.h"
#include "net/http.h"
#include "net/server.h"
#include "store/store.h"

namespace vedette::api {

/// Answers one request on a pool thread. May take as long as the context allows.
using Work = std::function<net::HttpResponse(const net::HttpRequest&, const store::ReadContext&)>;
/// How an API writes an error, for what never reaches its Work: the queue is full, the wait was too
/// long.
using ErrorAnswer = std::function<net::HttpResponse(const Error&)>;

struct RunnerStats {
  uint64_t finished = 0;
  uint64_t refused = 0;    // the queue was full
  uint64_t timed_out = 0;  // the deadline passed before the work began
  uint64_t queued = 0;     // now
  uint64_t running = 0;    // now
};

/// Thread-safe. Must outlive the server whose requests it runs.
class Runner {
 public:
  struct Options {
    unsigned threads = 2;
    size_t queue_max = 256;
    std::chrono::milliseconds timeout{30'000};  // from arrival to answer
  };
  explicit Runner(Options options);
  /// Runs what is queued.
  ~Runner();

  /// Registers `work` at a path of the router, as Router::http has it.
  void serve(net::Router& router, std::string methods, std::string path, Work work,
             ErrorAnswer on_error);
  RunnerStats stats() const;

 private:
  struct Job;
  void run(Job& job);

  Options options_;
  std::atomic<uint64_t> finished_{0}, refused_{0}, timed_out_{0}, running_{0};
  base::ThreadPool pool_;
};

}  // namespace vedette::api
