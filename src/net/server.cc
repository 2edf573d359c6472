// Sockets and threads: the one file of the server half that includes Asio. A reactor is a thread
// with the connections given to it; nothing of a connection is touched by another thread.
#include "net/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_set>

#include "base/log.h"
#include "net/protocol.h"

namespace vedette::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr size_t kReadBytesMin = 4u << 10;
constexpr size_t kReadBytesMax = 64u << 10;
constexpr size_t kWriteBytes = 256u << 10;
constexpr size_t kLingerBytesMax = 4u << 20;
constexpr milliseconds kLingerTime{1000};
constexpr milliseconds kAcceptPause{100};
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string to_string(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(endpoint.port());
}

class Connection;

/// A thread, its connections and what they share.
class Reactor : public std::enable_shared_from_this<Reactor> {
 public:
  explicit Reactor(Host host) : host_(std::move(host)), timer_(io_), work_(io_.get_executor()) {}

  void start() {
    thread_ = std::thread([this] { run(); });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  /// Runs `task` on the reactor's thread: now if this is it.
  template <typename Task>
  void dispatch(Task task) {
    if (io_.get_executor().running_in_this_thread()) {
      task();
    } else {
      asio::post(io_, std::move(task));
    }
  }

  asio::io_context& io() { return io_; }
  Host& host() {
    host_.now = std::chrono::steady_clock::now();
    return host_;
  }

  void add(tcp::socket socket, std::string peer);
  void remove(const std::shared_ptr<Connection>& connection);
  void stop_gracefully();
  /// Ends everything; run() returns once the last handlers have.
  void stop_now();

 private:
  void run();
  void tick();

  Host host_;  // before io_: what is left in its queue may still refer to it
  asio::io_context io_{1};
  asio::steady_timer timer_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::thread thread_;
  bool stopping_ = false;
  bool ended_ = false;
};

/// A socket and the protocol that is spoken on it, once its first bytes have told which.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Reactor& reactor, tcp::socket socket, std::string peer)
      : reactor_(reactor),
        socket_(std::move(socket)),
        peer_(std::move(peer)),
        began_(reactor.host().now) {
    read_buffer_.resize(kReadBytesMin);
  }

  void start() {
    error_code ec;
    socket_.set_option(tcp::no_delay(true), ec);
    pump();
  }

  void reply(uint64_t exchange, WireResponse&& response) {
    reactor_.host();
    protocol_->reply(exchange, std::move(response));
    if (!in_protocol_) pump();
  }

  void tick() {
    const Host& host = reactor_.host();
    const bool stuck_writing = writing_ && host.now - write_progress_ > host.limits.idle_timeout;
    const bool silent = !protocol_ && host.now - began_ > host.limits.header_timeout;
    if (stuck_writing || silent || (lingering_ && host.now > linger_until_)) return close();
    if (!protocol_ || lingering_) return;
    call([&] { protocol_->tick(); });
    pump();
  }

  void stop() {
    if (!protocol_) return close();
    call([&] { protocol_->stop(); });
    pump();
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    if (protocol_) call([&] { protocol_->peer_gone(); });
    error_code ec;
    socket_.close(ec);
    reactor_.remove(shared_from_this());
  }

 private:
  /// Replies that come while the protocol is at work do not pump: whoever called it does, after.
  template <typename Call>
  void call(Call call) {
    reactor_.host();
    in_protocol_ = true;
    call();
    in_protocol_ = false;
  }

  /// Starts whatever the protocol now wants: a write, a read, the end.
  void pump() {
    if (closed_) return;
    if (protocol_ && !writing_ && !lingering_) {
      call([&] { protocol_->output(chunks_, kWriteBytes); });
      if (!chunks_.empty()) {
        answered_last_ = protocol_->finished();
        write_progress_ = reactor_.host().now;
        write();
      } else if (protocol_->finished()) {
        return finish();
      }
    }
    if (!reading_ && !read_ended_ && (!protocol_ || lingering_ || protocol_->wants_input())) read();
  }

  void read() {
    reading_ = true;
    socket_.async_read_some(
        asio::buffer(read_buffer_),
        [self = shared_from_this()](error_code ec, size_t n) { self->on_read(ec, n); });
  }

  void on_read(error_code ec, size_t n) {
    reading_ = false;
    if (closed_) return;
    if (ec) return on_read_end(ec);
    reactor_.host().counters->bytes_in.fetch_add(n, std::memory_order_relaxed);
    const std::string_view bytes(read_buffer_.data(), n);
    if (lingering_) {
      lingered_ += n;
      if (lingered_ > kLingerBytesMax) return close();
    } else if (protocol_) {
      call([&] { protocol_->receive(bytes); });
    } else {
      sniff(bytes);
    }
    if (n == read_buffer_.size() && n < kReadBytesMax) read_buffer_.resize(n * 2);
    pump();
  }

  void on_read_end(error_code ec) {
    read_ended_ = true;
    // A client may close its side and still wait for the answer; any other end is the end of both.
    if (ec != asio::error::eof || !protocol_ || lingering_) return close();
    call([&] { protocol_->peer_gone(); });
    pump();
  }

  /// Decides the protocol as soon as the bytes differ from HTTP/2's preface, or are all of it.
  void sniff(std::string_view bytes) {
    first_bytes_ += bytes;
    const size_t n = std::min(first_bytes_.size(), kHttp2Preface.size());
    const bool http2 = first_bytes_.compare(0, n, kHttp2Preface, 0, n) == 0;
    if (http2 && n < kHttp2Preface.size()) return;
    auto sink = make_sink();
    protocol_ = http2 ? make_http2(reactor_.host(), std::move(sink), peer_)
                      : make_http1(reactor_.host(), std::move(sink), peer_);
    call([&] { protocol_->receive(first_bytes_); });
    first_bytes_ = {};
  }

  std::shared_ptr<ReplySink> make_sink();

  void write() {
    writing_ = true;
    std::vector<asio::const_buffer> buffers;
    for (size_t i = 0; i < chunks_.size() && i < 16; ++i)
      buffers.emplace_back(chunks_[i].data(), chunks_[i].size());
    buffers[0] += written_;
    socket_.async_write_some(
        buffers, [self = shared_from_this()](error_code ec, size_t n) { self->on_write(ec, n); });
  }

  void on_write(error_code ec, size_t n) {
    writing_ = false;
    if (closed_) return;
    if (ec) return close();
    Host& host = reactor_.host();
    host.counters->bytes_out.fetch_add(n, std::memory_order_relaxed);
    write_progress_ = host.now;
    written_ += n;
    size_t sent = 0;
    while (sent < chunks_.size() && written_ >= chunks_[sent].size())
      written_ -= chunks_[sent++].size();
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<ptrdiff_t>(sent));
    if (!chunks_.empty()) return write();
    pump();
  }

  /// Closes, but not so that what the client still sends makes the kernel throw our answer away
  /// (RFC 9112, 9.6): sends the end, then reads for a while.
  void finish() {
    if (!answered_last_ || read_ended_) return close();
    lingering_ = true;
    linger_until_ = reactor_.host().now + kLingerTime;
    error_code ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
    if (ec) return close();
    if (!reading_) read();
  }

  Reactor& reactor_;
  tcp::socket socket_;
  const std::string peer_;
  const TimePoint began_;
  std::unique_ptr<Protocol> protocol_;
  std::string first_bytes_;
  std::string read_buffer_;
  std::vector<std::string> chunks_;  // being written
  size_t written_ = 0;               // of chunks_[0]
  TimePoint write_progress_;
  TimePoint linger_until_;
  size_t lingered_ = 0;
  bool in_protocol_ = false;
  bool reading_ = false, read_ended_ = false, writing_ = false;
  bool answered_last_ = false;  // the last write was the protocol's last word
  bool lingering_ = false, closed_ = false;
};

/// Lives as long as any Responder; reactor and connection may be gone by then.
class Mailbox final : public ReplySink {
 public:
  Mailbox(std::weak_ptr<Reactor> reactor, std::weak_ptr<Connection> connection)
      : reactor_(std::move(reactor)), connection_(std::move(connection)) {}

  void reply(uint64_t exchange, WireResponse&& response) override {
    const auto reactor = reactor_.lock();
    if (!reactor) return;
    reactor->dispatch(
        [connection = connection_, exchange, response = std::move(response)]() mutable {
          if (const auto alive = connection.lock()) alive->reply(exchange, std::move(response));
        });
  }

 private:
  const std::weak_ptr<Reactor> reactor_;
  const std::weak_ptr<Connection> connection_;
};

std::shared_ptr<ReplySink> Connection::make_sink() {
  return std::make_shared<Mailbox>(reactor_.weak_from_this(), weak_from_this());
}

void Reactor::add(tcp::socket socket, std::string peer) {
  auto connection = std::make_shared<Connection>(*this, std::move(socket), std::move(peer));
  connections_.insert(connection);
  if (stopping_) return connection->close();
  connection->start();
}

void Reactor::remove(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
  host_.counters->open.fetch_sub(1);
}

void Reactor::stop_gracefully() {
  stopping_ = true;
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) connection->stop();
}

void Reactor::stop_now() {
  stopping_ = ended_ = true;
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) connection->close();
  timer_.cancel();
  work_.reset();
}

void Reactor::run() {
  tick();
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& e) {
      log_error("a network event failed", {{"error", e.what()}});
    }
  }
}

void Reactor::tick() {
  host_.date = http_date(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) connection->tick();
  const auto shortest = std::min(host_.limits.header_timeout, host_.limits.idle_timeout);
  timer_.expires_after(std::clamp(shortest / 4, milliseconds(5), milliseconds(500)));
  timer_.async_wait([this](error_code ec) {
    // A timer that had run out when it was cancelled still comes here without an error.
    if (!ec && !ended_) tick();
  });
}

/// Accepts on one address; its sockets go to the reactors in turn.
class Listener {
 public:
  Listener(asio::io_context& io, const std::vector<std::shared_ptr<Reactor>>& reactors,
           const Limits& limits, Counters& counters)
      : acceptor_(io), pause_(io), reactors_(reactors), limits_(limits), counters_(counters) {}

  Status bind(const std::string& address) {
    ASSIGN_OR_RETURN(const tcp::endpoint endpoint, resolve(address));
    error_code ec;
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (!ec) return {};
    const bool taken = ec == asio::error::address_in_use;
    return {taken ? Code::kAlreadyExists : Code::kIo,
            "cannot listen on " + address + ": " + ec.message() +
                (taken ? "; stop the program that does, or choose another port" : "")};
  }

  std::string address() const {
    error_code ec;
    return to_string(acceptor_.local_endpoint(ec));
  }

  void accept() {
    const auto& reactor = reactors_[next_++ % reactors_.size()];
    acceptor_.async_accept(reactor->io(), [this, reactor](error_code ec, tcp::socket socket) {
      if (ec == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (ec) return pause();
      take(*reactor, std::move(socket));
      accept();
    });
  }

  void close() {
    error_code ec;
    acceptor_.close(ec);
    pause_.cancel();
  }

 private:
  static Result<tcp::endpoint> resolve(const std::string& address) {
    const size_t colon = address.rfind(':');
    const Error bad{
        Code::kInvalidArgument,
        "'" + address +
            "' is not an address to listen on: write host:port, such as 127.0.0.1:4319"};
    if (colon == std::string::npos) return bad;
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
      host = host.substr(1, host.size() - 2);
    const std::string digits = address.substr(colon + 1);
    uint16_t port = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failed != std::errc() || end != digits.data() + digits.size() || host.empty()) return bad;
    asio::io_context io;
    error_code ec;
    const auto found = tcp::resolver(io).resolve(host, digits, ec);
    if (ec || found.empty())
      return Error{Code::kInvalidArgument,
                   "cannot find the host of '" + address + "': " + ec.message()};
    return found.begin()->endpoint();
  }

  /// Out of file descriptors, most likely: let some connections end first.
  void pause() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](error_code ec) {
      if (!ec) accept();
    });
  }

  void take(Reactor& reactor, tcp::socket socket) {
    if (counters_.open.load() >= limits_.connections_max) {
      counters_.refused.fetch_add(1);
      return;  // closes it
    }
    error_code ec;
    const tcp::endpoint peer = socket.remote_endpoint(ec);
    if (ec) return;
    counters_.accepted.fetch_add(1);
    counters_.open.fetch_add(1);
    reactor.dispatch([&reactor, socket = std::move(socket), name = to_string(peer)]() mutable {
      reactor.add(std::move(socket), std::move(name));
    });
  }

  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  const std::vector<std::shared_ptr<Reactor>>& reactors_;
  const Limits limits_;
  Counters& counters_;
  size_t next_ = 0;
};

class AsioServer final : public Server {
 public:
  AsioServer(const ServerOptions& options, std::shared_ptr<const Router> router)
      : budget_(std::make_shared<h2::ByteBudget>(options.limits.buffered_bytes_max)) {
    for (unsigned i = 0; i < std::max(options.threads, 1u); ++i) {
      reactors_.push_back(
          std::make_shared<Reactor>(Host{router, options.limits, budget_, counters_}));
    }
  }
  ~AsioServer() override { stop(milliseconds(0)); }

  Status listen(const ServerOptions& options) {
    for (const std::string& address : options.listen) {
      listeners_.push_back(
          std::make_unique<Listener>(reactors_[0]->io(), reactors_, options.limits, *counters_));
      RETURN_IF_ERROR(listeners_.back()->bind(address));
      addresses_.push_back(listeners_.back()->address());
    }
    for (const auto& listener : listeners_) listener->accept();
    for (const auto& reactor : reactors_) reactor->start();
    return {};
  }

  const std::vector<std::string>& addresses() const override { return addresses_; }

  ServerStats stats() const override {
    const Counters& c = *counters_;
    return {c.accepted, c.refused, c.open, c.requests, c.bytes_in, c.bytes_out};
  }

  void stop(milliseconds grace) override {
    std::lock_guard lock(stop_mutex_);
    if (std::exchange(stopped_, true)) return;
    const auto deadline = std::chrono::steady_clock::now() + grace;
    asio::post(reactors_[0]->io(), [this] {
      for (const auto& listener : listeners_) listener->close();
    });
    for (const auto& reactor : reactors_)
      asio::post(reactor->io(), [&reactor] { reactor->stop_gracefully(); });
    while (counters_->open.load() > 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(2));
    }
    for (const auto& reactor : reactors_)
      asio::post(reactor->io(), [&reactor] { reactor->stop_now(); });
    for (const auto& reactor : reactors_) reactor->join();
  }

 private:
  std::shared_ptr<h2::ByteBudget> budget_;
  std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
  std::vector<std::shared_ptr<Reactor>> reactors_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::string> addresses_;
  std::mutex stop_mutex_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options,
                                              std::shared_ptr<const Router> router) {
  auto server = std::make_unique<AsioServer>(options, std::move(router));
  RETURN_IF_ERROR(server->listen(options));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace vedette::net
