#include "agent/doctor/check_controller.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "agent/posix/files.h"
#include "agent/posix/unique_fd.h"
#include "support/tls.h"

namespace remapfleet::agent {
namespace {

using Level = Finding::Level;
using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;
using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;

struct Place {
  std::string host;
  std::string port;
};

// "host:port", "[v6]:port"; without a port gRPC takes 443.
Place Split(const std::string& address) {
  const auto colon = address.rfind(':');
  const bool has_port = colon != std::string::npos && address.find(']', colon) == std::string::npos;
  Place place{has_port ? address.substr(0, colon) : address,
              has_port ? address.substr(colon + 1) : "443"};
  if (place.host.size() > 1 && place.host.front() == '[') {
    place.host = place.host.substr(1, place.host.size() - 2);
  }
  return place;
}

Result<UniqueFd> ConnectTo(const addrinfo& target, std::chrono::seconds limit) {
  UniqueFd fd(socket(target.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Fail(Error::FromErrno(errno, "socket"));
  if (connect(fd.get(), target.ai_addr, target.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return Fail(Error::FromErrno(errno, "connect"));
    pollfd wait{fd.get(), POLLOUT, 0};
    const auto millis = std::chrono::milliseconds(limit).count();
    if (poll(&wait, 1, static_cast<int>(millis)) == 0) {
      return Fail(Error::FromErrno(ETIMEDOUT, "connect"));
    }
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return Fail(Error::FromErrno(error, "connect"));
  }
  // The handshake is simpler in a blocking socket, with the same limit.
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
  const timeval time{limit.count(), 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
  return fd;
}

std::string LastTlsError(SSL* ssl) {
  if (const long verify = SSL_get_verify_result(ssl); verify != X509_V_OK) {
    return fmt::format("its certificate is not taken: {}; check tls.ca and controller.server_name",
                       X509_verify_cert_error_string(verify));
  }
  const unsigned long error = ERR_get_error();
  if (error == 0) return "it ends the handshake; is it a controller, and this certificate its own?";
  return fmt::format("the handshake fails: {}; is this node's certificate of the controller's CA?",
                     ERR_reason_error_string(error));
}

// Empty if both sides are content.
std::string Handshake(const Config& config, const std::string& host, int fd) {
  const ContextPtr context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (SSL_CTX_use_certificate_chain_file(context.get(), config.tls_certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), config.tls_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_locations(context.get(), config.tls_ca.c_str(), nullptr) != 1) {
    ERR_clear_error();
    return "not tried, since the certificates cannot be used";
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const SslPtr ssl(SSL_new(context.get()), &SSL_free);
  const std::string& name =
      config.controller_server_name.empty() ? host : config.controller_server_name;
  X509_VERIFY_PARAM* const verify = SSL_get0_param(ssl.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, name.c_str()) != 1) {
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    SSL_set1_host(ssl.get(), name.c_str());
  }
  // What gRPC asks for, and a server of its kind insists on.
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof(kHttp2));
  SSL_set_fd(ssl.get(), fd);
  ERR_clear_error();
  if (SSL_connect(ssl.get()) != 1) return LastTlsError(ssl.get());
  // With TLS 1.3 the server's refusal only comes with what it says first: HTTP/2's settings.
  char first = 0;
  if (SSL_read(ssl.get(), &first, 1) != 1) return LastTlsError(ssl.get());
  return {};
}

Finding CheckController(const Config& config, const std::string& address,
                        std::chrono::seconds limit) {
  const std::string check = "controller " + address;
  const Place place = Split(address);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (const int error = getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &raw);
      error != 0) {
    return {Level::kFail, check,
            fmt::format("its name is not known here: {}; check controller.address and DNS",
                        gai_strerror(error))};
  }
  const AddressList list(raw, &freeaddrinfo);
  Result<UniqueFd> socket = Fail(Code::kUnavailable, "no address");
  for (const addrinfo* one = list.get(); one != nullptr && !socket; one = one->ai_next) {
    socket = ConnectTo(*one, limit);
  }
  if (!socket) {
    return {Level::kFail, check,
            fmt::format("cannot be reached: {}; does it run, and does a firewall let TCP port {} "
                        "through?",
                        socket.error().message(), place.port)};
  }
  const std::string refused = Handshake(config, place.host, socket->get());
  if (!refused.empty()) return {Level::kFail, check, "is reached, but " + refused};
  return {Level::kOk, check, "reached, and both certificates are taken"};
}

}  // namespace

Findings CheckCertificates(const Config& config, const Clock& clock) {
  const std::string check = "certificate";
  if (auto good = ClientTls({config.tls_certificate, config.tls_key, config.tls_ca}); !good) {
    return {{Level::kFail, check, good.error().message()}};
  }
  Findings findings;
  struct stat info {};
  if (stat(config.tls_key.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    findings.push_back({Level::kWarn, "key",
                        fmt::format("{} can be read by others; chmod 600 it", config.tls_key)});
  }
  const auto life = ReadCertificateLife(ReadTrimmed(config.tls_certificate) + "\n");
  if (!life) return {{Level::kFail, check, life.error().message()}};
  const auto left = life->ends - clock.Now();
  const bool soon = left < (life->ends - life->begins) / 3;
  findings.push_back({soon ? Level::kWarn : Level::kOk, check,
                      fmt::format("{} fits its key and is good until {}{}", config.tls_certificate,
                                  FormatTime(life->ends), soon ? "; renew it now" : "")});
  return findings;
}

Findings CheckControllers(const Config& config, std::chrono::seconds limit) {
  Findings findings;
  for (const std::string& address : config.controller_addresses) {
    findings.push_back(CheckController(config, address, limit));
  }
  return findings;
}

}  // namespace remapfleet::agent
