#include "api/runner.h"

#include "base/clock.h"
#include "base/log.h"

namespace vedette::api {

struct Runner::Job {
  net::HttpRequest request;
  net::Responder respond;
  std::shared_ptr<const Work> work;
  std::shared_ptr<const ErrorAnswer> on_error;
  store::ReadContext context;
};

Runner::Runner(Options options) : options_(options), pool_(options.threads, options.queue_max) {}
Runner::~Runner() = default;

void Runner::serve(net::Router& router, std::string methods, std::string path, Work work,
                   ErrorAnswer on_error) {
  auto shared_work = std::make_shared<const Work>(std::move(work));
  auto shared_error = std::make_shared<const ErrorAnswer>(std::move(on_error));
  router.http(
      std::move(methods), std::move(path),
      [this, shared_work, shared_error](net::HttpRequest&& request, net::Responder respond) {
        store::ReadContext context;
        context.deadline_monotonic_ns = base::Clock::system().monotonic_ns() +
                                        std::chrono::nanoseconds(options_.timeout).count();
        context.cancelled = request.cancelled.get();
        auto job = std::make_shared<Job>(
            Job{std::move(request), std::move(respond), shared_work, shared_error, context});
        base::ThreadPool::Task task = [this, job] { run(*job); };
        if (pool_.submit(task)) return;
        ++refused_;
        job->respond((*shared_error)(
            {Code::kUnavailable, "too many queries are waiting; try again in a moment"}));
      });
}

void Runner::run(Job& job) {
  if (const Status status = job.context.check(); !status.ok()) {
    ++timed_out_;
    job.respond((*job.on_error)(status.error()));
    return;
  }
  ++running_;
  try {
    job.respond((*job.work)(job.request, job.context));
  } catch (const std::bad_alloc&) {
    job.respond((*job.on_error)(
        {Code::kResourceExhausted, "the query needs more memory than there is; narrow it"}));
  } catch (const std::exception& e) {
    log_error("a query failed in a way it should not",
              {{"path", job.request.path}, {"what", e.what()}});
    job.respond((*job.on_error)({Code::kInternal, "the query failed; the server's log says more"}));
  }
  --running_;
  ++finished_;
}

RunnerStats Runner::stats() const {
  return {finished_, refused_, timed_out_, pool_.queued(), running_};
}

}  // namespace vedette::api
