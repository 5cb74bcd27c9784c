#include "support/toml_config.h"

#include <gtest/gtest.h>

namespace remapfleet {
namespace {

TomlConfig Parsed(std::string_view text) {
  auto config = TomlConfig::Parse(text, "a.toml");
  EXPECT_TRUE(config) << config.error().message();
  return std::move(*config);
}

std::string ErrorOf(TomlConfig& config) {
  const Status status = config.Finish();
  return status ? "" : status.error().message();
}

TEST(TomlConfig, ReadsWhatIsThereAndFallsBackWhereNot) {
  TomlConfig config = Parsed("a = 'x'\n[t]\nn = 3\nb = true\nl = ['p', 'q']\n");
  EXPECT_EQ(config.RequiredString("a"), "x");
  EXPECT_EQ(config.String("t.absent", "y"), "y");
  EXPECT_EQ(config.Integer("t.n", 0, 1, 5), 3);
  EXPECT_TRUE(config.Bool("t.b", false));
  EXPECT_EQ(config.Strings("t.l"), (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(ErrorOf(config), "");
}

TEST(TomlConfig, UnknownKeyIsNamedWithItsPlace) {
  TomlConfig config = Parsed("a = 1\n[t]\n  typo = 2\n");
  EXPECT_EQ(config.Integer("a", 0, 0, 9), 1);
  EXPECT_EQ(ErrorOf(config), "a.toml:3:3: unknown key t.typo");
}

TEST(TomlConfig, UnknownKeyInAnArrayOfTablesIsNamed) {
  TomlConfig config = Parsed("[[d]]\nname = 'x'\n[[d]]\nnmae = 'y'\n");
  ASSERT_EQ(config.TableCount("d"), 2U);
  EXPECT_EQ(config.String("d[0].name", ""), "x");
  EXPECT_EQ(config.String("d[1].name", ""), "");
  EXPECT_EQ(ErrorOf(config), "a.toml:4:1: unknown key d[1].nmae");
}

TEST(TomlConfig, WrongTypeRangeAndAbsenceAreErrors) {
  TomlConfig wrong = Parsed("n = 'three'\n");
  wrong.Integer("n", 0, 0, 9);
  EXPECT_EQ(ErrorOf(wrong), "a.toml:1:5: n must be a whole number");
  TomlConfig range = Parsed("n = 10\n");
  range.Integer("n", 0, 0, 9);
  EXPECT_EQ(ErrorOf(range), "a.toml:1:5: n must be 0 to 9");
  TomlConfig absent = Parsed("");
  absent.RequiredString("a");
  EXPECT_EQ(ErrorOf(absent), "a.toml:1:1: a must be set");
}

TEST(TomlConfig, FirstErrorSticks) {
  TomlConfig config = Parsed("n = 10\nm = 10\n");
  config.Integer("m", 0, 0, 9);
  config.Integer("n", 0, 0, 9);
  EXPECT_EQ(ErrorOf(config), "a.toml:2:5: m must be 0 to 9");
}

TEST(TomlConfig, BrokenFileAndMissingFileAreErrors) {
  const auto broken = TomlConfig::Parse("a = \n", "a.toml");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message().substr(0, 9), "a.toml:1:");
  const auto missing = TomlConfig::Load("/nonexistent/x.toml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace remapfleet
