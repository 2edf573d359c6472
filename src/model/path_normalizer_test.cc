#include "model/path_normalizer.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace vedette::model {
namespace {

TEST(PathNormalizer, KnowsIdsByTheirLooks) {
  struct Case {
    const char* segment;
    const char* placeholder;
  };
  const Case cases[] = {
      {"7", "{number}"},
      {"-12", "{number}"},
      {"3.14", "{number}"},
      {"00042", "{number}"},
      {"550e8400-e29b-41d4-a716-446655440000", "{uuid}"},
      {"550E8400-E29B-41D4-A716-446655440000", "{uuid}"},
      {"{550e8400-e29b-41d4-a716-446655440000}", "{uuid}"},
      {"01ARZ3NDEKTSV4RRFFQ69G5FAV", "{ulid}"},
      {"01arz3ndektsv4rrffq69g5fav", "{ulid}"},
      {"507f1f77bcf86cd799439011", "{objectid}"},
      {"d41d8cd98f00b204e9800998ecf8427e", "{hash}"},
      {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "{hash}"},
      {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "{hash}"},
      {"d5c3718", "{hash}"},
      {"0xdeadbeef", "{hash}"},
      {"anna@example.com", "{email}"},
      {"anna%40example.com", "{email}"},
      {"2024-01-31", "{date}"},
      {"2024-01-31T10:00:00Z", "{date}"},
      {"SGVsbG8gV29ybGQhIQ==", "{token}"},
      {"dQw4w9WgXcQ", "{token}"},
      {"cjld2cjxh0000qzrmn831i7rn", "{token}"},
      {"V1StGXR8_Z5jdHi6B-myT", "{token}"},
      {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r", "{token}"},
      {"2fa", ""},
      {"v1", ""},
      {"v2.1", ""},
      {"setup", ""},
      {"facade", ""},
      {"deadbeef", ""},
      {"oauth2", ""},
      {"e8400", ""},
      {"order-items", ""},
      {"getOrdersByCustomer", ""},
      {"HowToInstallPython3", ""},
      {"how-to-install-python-3-on-debian-12", ""},
      {"index.html", ""},
      {"app.min.js", ""},
      {"@me", ""},
      {"me@", ""},
      {"2024-01", ""},
      {"", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(placeholder_of(c.segment), c.placeholder) << c.segment;
}

TEST(PathNormalizer, OnlyWholeSegmentsAreReplaced) {
  struct Case {
    const char* path;
    const char* expected;
  };
  const Case cases[] = {
      {"", "/"},
      {"/", "/"},
      {"/orders", "/orders"},
      {"/orders/", "/orders/"},
      {"/orders//7", "/orders//{number}"},
      {"/orders/550e8400-e29b-41d4-a716-446655440000/items/7", "/orders/{uuid}/items/{number}"},
      {"/2fa/setup", "/2fa/setup"},
      {"/orders/7?page=2", "/orders/{number}"},
      {"/a/b#c", "/a/b"},
      {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14",
       "/{number}/{number}/{number}/{number}/{number}/{number}/{number}/{number}/{number}/{number}"
       "/{number}/{number}/{rest}"},
  };
  for (const Case& c : cases) {
    PathNormalizer paths;
    EXPECT_EQ(paths.normalize(c.path), c.expected) << c.path;
  }
}

TEST(PathNormalizer, LearnsWhatVaries) {
  PathNormalizer paths(10);
  for (int i = 0; i < 50; ++i) paths.normalize("/users/login");
  for (int i = 0; i < 10; ++i) paths.normalize("/users/name" + std::string(1, 'a' + i) + "/posts");
  EXPECT_EQ(paths.normalize("/users/zoe/posts"), "/users/{value}/posts");
  EXPECT_EQ(paths.normalize("/users/namea/posts"), "/users/{value}/posts");
  EXPECT_EQ(paths.normalize("/users/login"), "/users/login") << "what comes often is no value";
  EXPECT_EQ(paths.normalize("/orders/open"), "/orders/open") << "other places do not vary";
}

TEST(PathNormalizer, LabelsAndMemoryAreBoundedWhateverComes) {
  PathNormalizer paths(8, 300);
  std::mt19937 random(7);
  std::set<std::string> labels;
  for (int i = 0; i < 50'000; ++i) {
    std::string path;
    for (unsigned depth = 1 + random() % 6; depth > 0; --depth) {
      path += '/';
      for (int c = 0; c < 6; ++c) path += static_cast<char>('a' + random() % 26);
    }
    labels.insert(paths.normalize(path));
    ASSERT_LE(paths.nodes(), 300u);
  }
  EXPECT_LE(labels.size(), 600u);
  paths.normalize(std::string(1 << 20, '/'));
  EXPECT_EQ(paths.normalize('/' + std::string(1000, 'x')), "/{value}");
}

}  // namespace
}  // namespace vedette::model
