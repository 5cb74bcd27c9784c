#include "support/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <ctime>
#include <fstream>
#include <sstream>
#include <vector>

namespace remapfleet {
namespace {

Result<std::string> ReadPem(const std::string& path, const char* what) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return Fail(Error::FromErrno(errno != 0 ? errno : EIO, fmt::format("{} {}", what, path)));
  }
  return text.str();
}

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using StackPtr = std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)>;
using StorePtr = std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)>;

// All of them: a chain, or several authorities while one takes over from another.
std::vector<X509Ptr> ParseCertificates(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  std::vector<X509Ptr> certificates;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(next, &X509_free);
  }
  return certificates;
}

// gRPC itself would only fail later, in the handshake, and without a reason.
Status CheckPair(const TlsFiles& files, const std::string& certificate_pem,
                 const std::string& key_pem, const std::string& ca_pem) {
  const std::vector<X509Ptr> chain = ParseCertificates(certificate_pem);
  if (chain.empty()) {
    return Fail(Code::kInvalidArgument, files.certificate + ": not a PEM certificate");
  }
  X509* const certificate = chain.front().get();
  const std::vector<X509Ptr> authorities = ParseCertificates(ca_pem);
  if (authorities.empty())
    return Fail(Code::kInvalidArgument, files.ca + ": not a PEM certificate");
  const BioPtr bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), &BIO_free);
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (!key) return Fail(Code::kInvalidArgument, files.key + ": not a PEM private key");
  if (X509_check_private_key(certificate, key.get()) != 1) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} is not the key of {}", files.key, files.certificate));
  }
  const StorePtr store(X509_STORE_new(), &X509_STORE_free);
  for (const X509Ptr& authority : authorities) X509_STORE_add_cert(store.get(), authority.get());
  const StackPtr between(sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (const X509Ptr& link : chain) sk_X509_push(between.get(), link.get());
  const StoreContextPtr context(X509_STORE_CTX_new(), &X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), certificate, between.get());
  if (X509_verify_cert(context.get()) != 1) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("{} is not a valid certificate of {}: {}", files.certificate, files.ca,
                    X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()))));
  }
  return {};
}

struct Pems {
  std::string certificate;
  std::string key;
  std::string ca;
};

Result<Pems> Load(const TlsFiles& files) {
  auto certificate = ReadPem(files.certificate, "TLS certificate");
  if (!certificate) return Fail(certificate.error());
  auto key = ReadPem(files.key, "TLS key");
  if (!key) return Fail(key.error());
  auto ca = ReadPem(files.ca, "TLS CA certificate");
  if (!ca) return Fail(ca.error());
  const Status checked = CheckPair(files, *certificate, *key, *ca);
  ERR_clear_error();
  if (!checked) return Fail(checked.error());
  return Pems{std::move(*certificate), std::move(*key), std::move(*ca)};
}

}  // namespace

Result<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files) {
  auto pems = Load(files);
  if (!pems) return Fail(pems.error());
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = pems->ca;
  options.pem_key_cert_pairs.push_back({pems->key, pems->certificate});
  return grpc::SslServerCredentials(options);
}

Result<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(const TlsFiles& files) {
  auto pems = Load(files);
  if (!pems) return Fail(pems.error());
  return grpc::SslCredentials({pems->ca, pems->key, pems->certificate});
}

Result<CertificateLife> ReadCertificateLife(const std::string& pem) {
  const std::vector<X509Ptr> chain = ParseCertificates(pem);
  ERR_clear_error();
  if (chain.empty()) return Fail(Code::kInvalidArgument, "not a PEM certificate");
  CertificateLife life;
  for (const auto& [field, time] :
       {std::pair{X509_get0_notBefore(chain.front().get()), &life.begins},
        std::pair{X509_get0_notAfter(chain.front().get()), &life.ends}}) {
    std::tm utc{};
    if (ASN1_TIME_to_tm(field, &utc) != 1) {
      return Fail(Code::kInvalidArgument, "a certificate without a lifetime");
    }
    *time = TimePoint(std::chrono::seconds(timegm(&utc)));
  }
  return life;
}

Result<PeerIdentity> ParsePeerUri(std::string_view uri) {
  constexpr std::string_view kHost = "remapfleet://host/";
  constexpr std::string_view kOperator = "remapfleet://operator/";
  for (const auto& [prefix, kind] : {std::pair{kHost, PeerIdentity::Kind::kHost},
                                     std::pair{kOperator, PeerIdentity::Kind::kOperator}}) {
    if (uri.substr(0, prefix.size()) != prefix) continue;
    auto name = ParseHostId(uri.substr(prefix.size()));
    if (!name) break;
    return PeerIdentity{kind, name->value()};
  }
  return Fail(Code::kUnauthenticated,
              fmt::format("certificate's URI \"{}\" names neither a host nor an operator", uri));
}

Result<PeerIdentity> PeerOf(const grpc::AuthContext& context) {
  if (!context.IsPeerAuthenticated()) {
    return Fail(Code::kUnauthenticated, "no verified client certificate");
  }
  std::string uri;
  for (const auto& value : context.FindPropertyValues("x509_subject_alternative_name")) {
    const std::string_view name(value.data(), value.size());
    if (name.substr(0, 13) != "remapfleet://") continue;
    if (!uri.empty()) return Fail(Code::kUnauthenticated, "certificate has two remapfleet:// URIs");
    uri = name;
  }
  if (uri.empty()) {
    return Fail(Code::kUnauthenticated, "certificate has no remapfleet:// URI in its SAN");
  }
  return ParsePeerUri(uri);
}

}  // namespace remapfleet
