#include "agent/link/certificate_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_world.h"

namespace remapfleet::agent {
namespace {

using ::testing::HasSubstr;

class CertificateWatchTest : public testing::Test {
 protected:
  static constexpr std::chrono::days kDay{1};

  void Write(TimePoint begins, TimePoint ends) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                  &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), Seconds(begins));
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), Seconds(ends));
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), certificate.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    ASSERT_TRUE(
        files_.WriteDurably("/host.crt", std::string_view(text, static_cast<std::size_t>(size))));
  }
  static std::time_t Seconds(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  }

  FakeFileSystem files_;
  FakeClock clock_;
  const TimePoint begin_ = clock_.Now();
};

TEST_F(CertificateWatchTest, WarnsInTheLastThirdOfItsLife) {
  Write(begin_, begin_ + 90 * kDay);
  const CertificateWatch watch(files_, "/host.crt", clock_);
  EXPECT_EQ(watch.Ends(), begin_ + 90 * kDay);
  clock_.Advance(59 * kDay);
  EXPECT_EQ(watch.Warning(), "");
  clock_.Advance(2 * kDay);
  EXPECT_THAT(watch.Warning(), HasSubstr("in 29 days: renew it"));
  clock_.Advance(30 * kDay);
  EXPECT_THAT(watch.Warning(), HasSubstr("no new stream"));
}

TEST_F(CertificateWatchTest, SeesThatItWasRenewed) {
  Write(begin_, begin_ + 90 * kDay);
  const CertificateWatch watch(files_, "/host.crt", clock_);
  clock_.Advance(80 * kDay);
  ASSERT_NE(watch.Warning(), "");
  Write(clock_.Now(), clock_.Now() + 90 * kDay);
  EXPECT_EQ(watch.Warning(), "");
  EXPECT_EQ(watch.Ends(), begin_ + 170 * kDay);
}

TEST_F(CertificateWatchTest, AFileThatIsNoneIsNamed) {
  const CertificateWatch watch(files_, "/host.crt", clock_);
  EXPECT_THAT(watch.Warning(), HasSubstr("/host.crt"));
  ASSERT_TRUE(files_.WriteDurably("/host.crt", "nothing"));
  EXPECT_THAT(watch.Warning(), HasSubstr("/host.crt: not a PEM certificate"));
  EXPECT_FALSE(watch.Ends());
}

}  // namespace
}  // namespace remapfleet::agent
