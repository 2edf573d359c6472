// One unary gRPC call between the HTTP/2 connection and its handler: message framing, gzip,
// refusals.
#pragma once

#include <memory>

#include "net/exchange.h"
#include "net/h2/session.h"

namespace vedette::net {

/// Unpacks the message and calls the method's handler; `sink` gets the response, maybe before this
/// returns. Never throws.
void serve_grpc(Host& host, h2::ServerRequest&& request, const std::string& peer,
                std::shared_ptr<Exchange> exchange, std::shared_ptr<ReplySink> sink);

/// The reply's frames: headers, message, trailers, or for an error the headers alone.
WireResponse to_wire(GrpcResponse&& response);

}  // namespace vedette::net
