#include "model/labels.h"

#include <gtest/gtest.h>

#include "model/ids.h"

namespace vedette::model {
namespace {

TEST(Labels, AreSortedDistinctAndNeverEmpty) {
  const Labels labels = Labels::of({{"b", "2"}, {"a", "1"}, {"c", ""}, {"b", "3"}});
  ASSERT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels.get("a"), "1");
  EXPECT_EQ(labels.get("b"), "3");
  EXPECT_EQ(labels.get("c"), "");
}

TEST(Labels, CanonicalFormIsRemoteWritesOwn) {
  EXPECT_EQ(Labels::of({{"a", "b"}}).canonical(), std::string("\x0a\x06\x0a\x01"
                                                              "a\x12\x01"
                                                              "b",
                                                              8));
}

TEST(Labels, CanonicalFormRoundTrips) {
  const Labels labels =
      Labels::of({{"__name__", "up"}, {"job", "shop"}, {"long", std::string(300, 'x')}});
  const auto parsed = Labels::parse(labels.canonical());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, labels);
}

TEST(Labels, ParseRefusesWhatIsNotCanonical) {
  const std::string a = Labels::of({{"a", "1"}}).canonical();
  const std::string b = Labels::of({{"b", "1"}}).canonical();
  EXPECT_TRUE(Labels::parse(a + b).ok());
  EXPECT_FALSE(Labels::parse(b + a).ok());
  EXPECT_FALSE(Labels::parse(a + a).ok());
  EXPECT_FALSE(Labels::parse(a.substr(0, a.size() - 1)).ok());
  EXPECT_FALSE(Labels::parse("x").ok());
}

TEST(Labels, PrintAsPrometheusPrintsThem) {
  EXPECT_EQ(Labels::of({{"__name__", "up"}}).to_string(), "up");
  EXPECT_EQ(Labels::of({{"__name__", "up"}, {"job", "a\"b"}, {"x", "y"}}).to_string(),
            "up{job=\"a\\\"b\", x=\"y\"}");
  EXPECT_EQ(Labels().to_string(), "{}");
}

TEST(TraceId, HexRoundTripsAndPadsShortIds) {
  const auto id = TraceId::from_hex("4BF92f3577b34da6a3ce929d0e0e4736");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(TraceId::from_hex("1f")->hex(), "0000000000000000000000000000001f");
  EXPECT_FALSE(TraceId::from_hex(""));
  EXPECT_FALSE(TraceId::from_hex("xyz"));
  char bytes[16];
  id->to_bytes(bytes);
  EXPECT_EQ(TraceId::from_bytes(bytes), *id);
}

}  // namespace
}  // namespace vedette::model
