#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_context.h>

#include <memory>
#include <string>

#include "support/clock.h"
#include "support/ids.h"
#include "support/result.h"

namespace remapfleet {

// PEM files. All three are needed on both ends: TLS is always mutual.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string ca;
};

// Reads and checks the files: NOT_FOUND or PERMISSION_DENIED names the file, INVALID_ARGUMENT says
// that key and certificate do not belong together or the certificate is not from the CA.
Result<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files);
Result<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(const TlsFiles& files);

struct CertificateLife {
  TimePoint begins;
  TimePoint ends;
};
// Of the first certificate in a PEM file's text. INVALID_ARGUMENT if there is none.
Result<CertificateLife> ReadCertificateLife(const std::string& pem);

// Who a verified peer is. The kind and name come from its URI SAN:
// "remapfleet://host/<host id>" for agents, "remapfleet://operator/<name>" for people.
struct PeerIdentity {
  enum class Kind { kHost, kOperator };
  Kind kind;
  std::string name;
};

// UNAUTHENTICATED if the peer shows no such SAN, or more than one.
Result<PeerIdentity> PeerOf(const grpc::AuthContext& context);

// The same from the URI alone; for tests and for `PeerOf`.
Result<PeerIdentity> ParsePeerUri(std::string_view uri);

}  // namespace remapfleet
