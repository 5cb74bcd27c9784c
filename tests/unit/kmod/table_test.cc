#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "remap_status.h"

namespace {

struct Parsed {
  explicit Parsed(std::string line) : text(std::move(line)) {
    result = remap_table_parse(text.data(), &table, &error);
  }
  std::string Print() const {
    char buf[1024];
    const int n = remap_table_print(&table, buf, sizeof(buf));
    EXPECT_EQ(static_cast<size_t>(n), std::string(buf).size());
    return buf;
  }
  std::string text;
  remap_table table = {};
  const char* error = nullptr;
  int result;
};

TEST(TableLine, PrintsWhatItWasMadeFrom) {
  for (const std::string& line : {
           std::string("1 8:0 0 1 8:16 0 32768 0"),
           std::string("1 8:0 2048 1 8:16 128 32768 2 block_size 8"),
           std::string("1 8:0 0 2 8:16 0 32768 8:32 8 999 6 copies 3 alloc near max_remaps 77"),
           std::string("1 8:0 0 1 8:16 0 32768 14 block_size 64 copies 5 pending_write verify "
                       "read_retries 0 "
                       "alloc first error_burst 0 max_remaps 16777216"),
           std::string("1 8:0 0 1 8:16 0 32768 8 salvage on scrub_rate 0 sample_rate 1 "
                       "histogram on"),
       }) {
    const Parsed p(line);
    ASSERT_EQ(p.result, 0) << line << ": " << p.error;
    EXPECT_EQ(p.Print(), line);
  }
}

TEST(TableLine, Defaults) {
  const Parsed p("1 main 0 1 spare 0 100 0");
  ASSERT_EQ(p.result, 0);
  EXPECT_STREQ(p.table.main_dev, "main");
  EXPECT_EQ(p.table.read_retries, 2u);
  EXPECT_EQ(p.table.error_burst, 4096u);
  EXPECT_EQ(p.table.scrub_rate, 65536u);
  EXPECT_EQ(p.table.sample_rate, 64u);
  EXPECT_EQ(p.table.salvage, REMAP_OFF);
  EXPECT_EQ(p.table.histogram, REMAP_OFF);
  EXPECT_EQ(p.table.alloc, REMAP_ALLOC_WEAR);
  EXPECT_EQ(p.table.pending_write, REMAP_PENDING_WRITE_REMAP);
}

TEST(TableLine, EachMistakeIsToldApart) {
  for (const char* bad : {"",
                          "1",
                          "2 m 0 1 s 0 100 0",
                          "x m 0 1 s 0 100 0",
                          "1 m x 1 s 0 100 0",
                          "1 m -1 1 s 0 100 0",
                          "1 m 0 0 0",
                          "1 m 0 9 s 0 100 0",
                          "1 m 0 2 s 0 100 0",
                          "1 m 0 1 s x 100 0",
                          "1 m 0 1 s 0 0 0",
                          "1 m 0 1 s 0 100",
                          "1 m 0 1 s 0 100 1 copies",
                          "1 m 0 1 s 0 100 0 junk",
                          "1 m 0 1 s 0 100 4 copies 2",
                          "1 m 0 1 s 0 100 2 copies 2 junk",
                          "1 m 0 1 s 0 100 2 copies 1",
                          "1 m 0 1 s 0 100 2 copies 6",
                          "1 m 0 1 s 0 100 2 block_size 0",
                          "1 m 0 1 s 0 100 2 block_size 3",
                          "1 m 0 1 s 0 100 2 block_size 128",
                          "1 m 0 1 s 0 100 2 alloc best",
                          "1 m 0 1 s 0 100 2 pending_write no",
                          "1 m 0 1 s 0 100 2 read_retries 101",
                          "1 m 0 1 s 0 100 2 error_burst 4294967296",
                          "1 m 0 1 s 0 100 2 max_remaps 0",
                          "1 m 0 1 s 0 100 2 salvage yes",
                          "1 m 0 1 s 0 100 2 histogram 1",
                          "1 m 0 1 s 0 100 2 scrub_rate fast",
                          "1 m 0 1 s 0 100 2 sample_rate 4294967295",
                          "1 m 0 1 s 0 100 2 max_remaps 16777217",
                          "1 m 0 1 s 0 100 2 colour red",
                          "1 m 0 1 s 0 100 4 copies 2 copies 2"}) {
    const Parsed p(bad);
    EXPECT_EQ(p.result, -EINVAL) << bad;
    ASSERT_NE(p.error, nullptr) << bad;
    EXPECT_GT(std::string(p.error).size(), 10u);
  }
}

TEST(TableLine, ALineThatDoesNotFitSaysSo) {
  const Parsed p("1 8:0 0 1 8:16 0 32768 2 block_size 8");
  char buf[16];
  EXPECT_GE(remap_table_print(&p.table, buf, sizeof(buf)), 16);
  EXPECT_LT(std::string(buf).size(), sizeof(buf));
}

}  // namespace
