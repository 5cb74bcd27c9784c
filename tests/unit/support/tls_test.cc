#include "support/tls.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

namespace remapfleet {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using FilePtr = std::unique_ptr<FILE, decltype(&std::fclose)>;

// A directory with one CA and certificates from it.
class TlsFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "tls-" + NewUuid();
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  // Writes NAME.crt and NAME.key; signed by `issuer`, or by itself.
  KeyPtr Make(const std::string& name, const std::string& issuer_name, EVP_PKEY* issuer_key,
              bool authority = false) {
    KeyPtr key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    SetName(X509_get_subject_name(certificate.get()), name);
    SetName(X509_get_issuer_name(certificate.get()), issuer_name);
    if (issuer_key == nullptr || authority) {
      const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> is_ca(
          X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE"),
          &X509_EXTENSION_free);
      X509_add_ext(certificate.get(), is_ca.get(), -1);
    }
    X509_sign(certificate.get(), issuer_key != nullptr ? issuer_key : key.get(), EVP_sha256());
    const FilePtr crt(std::fopen(Path(name + ".crt").c_str(), "w"), &std::fclose);
    PEM_write_X509(crt.get(), certificate.get());
    const FilePtr pem(std::fopen(Path(name + ".key").c_str(), "w"), &std::fclose);
    PEM_write_PrivateKey(pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return key;
  }

  void Append(const std::string& to, const std::string& from) const {
    std::ofstream(Path(to), std::ios::app) << std::ifstream(Path(from)).rdbuf();
  }

  TlsFiles Files(const std::string& crt, const std::string& key, const std::string& ca) const {
    return {Path(crt), Path(key), Path(ca)};
  }

 private:
  static void SetName(X509_NAME* name, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
  }

  std::string directory_;
  long serial_ = 0;
};

// A new authority beside the old one, and a certificate that an intermediate one has signed.
TEST_F(TlsFilesTest, TakesSeveralAuthoritiesAndAChain) {
  const KeyPtr ca = Make("ca", "ca", nullptr);
  const KeyPtr next_ca = Make("next", "next", nullptr);
  const KeyPtr between = Make("between", "ca", ca.get(), true);
  Make("node", "next", next_ca.get());
  Make("leaf", "between", between.get());

  EXPECT_FALSE(ClientTls(Files("node.crt", "node.key", "ca.crt")));
  Append("ca.crt", "next.crt");
  EXPECT_TRUE(ClientTls(Files("node.crt", "node.key", "ca.crt")));
  EXPECT_FALSE(ClientTls(Files("leaf.crt", "leaf.key", "ca.crt")));
  Append("leaf.crt", "between.crt");
  EXPECT_TRUE(ClientTls(Files("leaf.crt", "leaf.key", "ca.crt")));
}

TEST_F(TlsFilesTest, AcceptsWhatBelongsTogetherAndNothingElse) {
  const KeyPtr ca = Make("ca", "ca", nullptr);
  Make("node", "ca", ca.get());
  Make("other", "ca", ca.get());
  const KeyPtr stranger_ca = Make("strangers", "strangers", nullptr);
  Make("stranger", "strangers", stranger_ca.get());

  EXPECT_TRUE(ClientTls(Files("node.crt", "node.key", "ca.crt")));
  EXPECT_TRUE(ServerTls(Files("node.crt", "node.key", "ca.crt")));

  const auto other_key = ClientTls(Files("node.crt", "other.key", "ca.crt"));
  ASSERT_FALSE(other_key);
  EXPECT_EQ(other_key.error().message(),
            Path("other.key") + " is not the key of " + Path("node.crt"));
  const auto stranger = ServerTls(Files("stranger.crt", "stranger.key", "ca.crt"));
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code(), Code::kInvalidArgument);

  const auto missing = ClientTls(Files("node.crt", "absent.key", "ca.crt"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_NE(missing.error().message().find("absent.key"), std::string::npos);
  EXPECT_FALSE(ClientTls(Files("node.key", "node.key", "ca.crt")));
}

}  // namespace
}  // namespace remapfleet
