#include "app/command_line.h"

#include <CLI/CLI.hpp>

namespace vedette::app {
namespace {

constexpr const char* kAbout =
    R"(Vedette receives, keeps, shows and questions the telemetry of Python APIs, in one process.

  vedette serve                     start; then open http://127.0.0.1:4319
  vedette check-config FILE         say whether a configuration file is right
  vedette run CMD...                run a Python program, observed (where the Python package is installed)
  vedette doctor [APP]              say what would be observed, what not, and why (there, too)
  vedette serve --help              every option of the server)";

constexpr const char* kServeHelp =
    R"(Starts the server: receives OTLP and Prometheus remote write, scrapes targets, keeps everything in one
folder and serves the UI and the query APIs.

Send it telemetry:
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 opentelemetry-instrument uvicorn app:app
Try what it answers:
  curl 'http://127.0.0.1:4319/api/v1/query?query=up'
  curl 'http://127.0.0.1:4319/vedette/v1/verdict')";

constexpr const char* kServeNotes =
    R"(ADDR is host:port, or none to not listen there. OTLP and remote write are taken on every address.
A flag wins over the configuration file, the file over the defaults. SIGTERM or Ctrl-C stops gracefully.)";

/// Flags as given; empty means not given.
struct ServeFlags {
  std::string config, data, http, otlp_http, otlp_grpc, retention, durability;
};

template <typename T, typename Parse>
Status apply(const char* flag, const std::string& text, T& out, Parse&& parse) {
  if (text.empty()) return {};
  auto value = parse(text);
  if (!value.ok()) return {value.error().code, std::string(flag) + ": " + value.error().message};
  out = std::move(value).value();
  return {};
}

Result<Command> serve_command(const ServeFlags& flags) {
  Command command;
  command.kind = Command::Kind::kServe;
  command.file = flags.config;
  Config& config = command.config;
  if (!flags.config.empty()) RETURN_IF_ERROR(read_config_file(flags.config, config));
  RETURN_IF_ERROR(apply("--http", flags.http, config.listeners.http, parse_listen_address));
  RETURN_IF_ERROR(
      apply("--otlp-http", flags.otlp_http, config.listeners.otlp_http, parse_listen_address));
  RETURN_IF_ERROR(
      apply("--otlp-grpc", flags.otlp_grpc, config.listeners.otlp_grpc, parse_listen_address));
  RETURN_IF_ERROR(apply("--retention", flags.retention, config.retention, parse_retention));
  RETURN_IF_ERROR(apply("--durability", flags.durability, config.durability, parse_durability));
  if (!flags.data.empty()) config.data_dir = flags.data;
  const Listeners& l = config.listeners;
  if (l.http.empty() && l.otlp_http.empty() && l.otlp_grpc.empty()) {
    return Error{Code::kInvalidArgument, "every address is none: nothing could reach the server"};
  }
  return command;
}

void add_serve_flags(CLI::App& serve, ServeFlags& flags) {
  serve
      .add_option("--config", flags.config,
                  "YAML file; every key is optional (docs/configuration.md)")
      ->type_name("FILE");
  serve.add_option("--data", flags.data, "Folder that keeps everything [vedette-data]")
      ->type_name("DIR");
  serve.add_option("--http", flags.http, "UI and all APIs [127.0.0.1:4319]")->type_name("ADDR");
  serve.add_option("--otlp-http", flags.otlp_http, "OTLP over HTTP [127.0.0.1:4318]")
      ->type_name("ADDR");
  serve.add_option("--otlp-grpc", flags.otlp_grpc, "OTLP over gRPC [127.0.0.1:4317]")
      ->type_name("ADDR");
  serve
      .add_option("--retention", flags.retention, "How long data is kept: 12h, 30d, forever [30d]")
      ->type_name("AGE");
  serve
      .add_option("--durability", flags.durability,
                  "What 'stored' promises: wal survives a crash of the process, fsync one of the "
                  "machine [wal]")
      ->type_name("wal|fsync");
  serve.footer(kServeNotes);
}

}  // namespace

Result<Command> parse_command_line(const std::vector<std::string>& words) {
  CLI::App app(kAbout, "vedette");
  app.set_version_flag("--version", std::string("vedette ") + kVersion);
  app.require_subcommand(0, 1);
  ServeFlags flags;
  std::string file;
  CLI::App* serve = app.add_subcommand("serve", kServeHelp);
  add_serve_flags(*serve, flags);
  CLI::App* check = app.add_subcommand("check-config",
                                       "Reads a configuration file and lists every mistake in it.");
  check->add_option("FILE", file, "The file")->required();
  Command print;
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::CallForVersion& e) {
    print.text = std::string(e.what()) + "\n";
    return print;
  } catch (const CLI::CallForHelp&) {
    print.text = (*serve ? serve : *check ? check : &app)->help();
    return print;
  } catch (const CLI::CallForAllHelp&) {
    print.text = app.help("", CLI::AppFormatMode::All);
    return print;
  } catch (const CLI::Error& e) {
    return Error{Code::kInvalidArgument,
                 std::string(e.what()) + "; vedette --help shows what there is"};
  }
  if (*serve) return serve_command(flags);
  if (*check) {
    print.kind = Command::Kind::kCheckConfig;
    print.file = file;
    return print;
  }
  print.text = app.help();
  return print;
}

}  // namespace vedette::app
