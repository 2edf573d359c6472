#include "store/engine/series_index.h"

#include <gmock/gmock.h>

#include <random>

#include "base/bytes.h"
#include "base/string_table.h"

namespace vedette::store::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

/// Pairs in the order given, as a remote-write client might send them.
std::string raw(const std::vector<model::Label>& pairs) {
  std::string out;
  for (const model::Label& label : pairs) {
    std::string pair;
    base::ByteWriter w(pair);
    w.fixed('\x0a');
    w.bytes(label.name);
    w.fixed('\x12');
    w.bytes(label.value);
    base::ByteWriter(out).fixed('\x0a');
    base::ByteWriter(out).bytes(pair);
  }
  return out;
}

Result<SeriesId> resolve(SeriesIndex& index, const std::vector<model::Label>& pairs) {
  const std::string bytes = raw(pairs);
  return index.resolve(base::hash_string(bytes), bytes);
}

std::vector<std::string> select(const SeriesIndex& index, const std::vector<Matcher>& matchers) {
  const auto found = index.select(matchers, {}, {});
  std::vector<std::string> out;
  if (!found.ok()) return {found.error().message};
  for (const Series& s : *found) out.push_back(s.labels.to_string());
  return out;
}

TEST(SeriesIndex, GivesOneIdToEveryEncodingOfTheSameLabels) {
  SeriesIndex index(100);
  const auto sorted = resolve(index, {{"__name__", "up"}, {"a", "1"}, {"b", "2"}});
  const auto unsorted = resolve(index, {{"b", "2"}, {"__name__", "up"}, {"a", "1"}});
  const auto with_empty = resolve(index, {{"__name__", "up"}, {"a", "1"}, {"b", "2"}, {"c", ""}});
  ASSERT_TRUE(sorted.ok() && unsorted.ok() && with_empty.ok());
  EXPECT_EQ(*sorted, *unsorted);
  EXPECT_EQ(*sorted, *with_empty);
  EXPECT_EQ(index.size(), 1u);
  // The alias is found without being parsed again.
  const std::string bytes = raw({{"b", "2"}, {"__name__", "up"}, {"a", "1"}});
  EXPECT_EQ(index.find(base::hash_string(bytes), bytes), *sorted);
}

TEST(SeriesIndex, SaysWhyALabelSetIsRefused) {
  SeriesIndex index(100);
  const auto why = [&index](const std::vector<model::Label>& pairs) {
    const auto id = resolve(index, pairs);
    return id.ok() ? "accepted" : id.error().message;
  };
  EXPECT_THAT(why({{"a", "1"}}), HasSubstr("__name__"));
  EXPECT_THAT(why({}), HasSubstr("__name__"));
  EXPECT_THAT(why({{"__name__", "up"}, {"a", "1"}, {"a", "2"}}), HasSubstr("\"a\" is given twice"));
  EXPECT_THAT(why({{"__name__", "up"}, {"", "1"}}), HasSubstr("no name"));
  EXPECT_THAT(why({{"__name__", "up"}, {"a", "\xff"}}), HasSubstr("UTF-8"));
  const auto id = index.resolve(1, "\x0a\x7f");
  ASSERT_FALSE(id.ok());
  EXPECT_EQ(id.error().code, Code::kInvalidArgument);
  EXPECT_EQ(index.size(), 0u);
}

TEST(SeriesIndex, NamesTheLabelBehindTooManySeries) {
  SeriesIndex index(50);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(resolve(index, {{"__name__", "http_requests_total"},
                                {"code", i % 2 ? "200" : "500"},
                                {"user_id", std::to_string(i)}})
                    .ok());
  }
  const auto over =
      resolve(index, {{"__name__", "http_requests_total"}, {"code", "200"}, {"user_id", "x"}});
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, Code::kResourceExhausted);
  EXPECT_THAT(over.error().message, HasSubstr("http_requests_total"));
  EXPECT_THAT(over.error().message, HasSubstr("\"user_id\" has 50"));
  EXPECT_TRUE(
      resolve(index, {{"__name__", "http_requests_total"}, {"code", "200"}, {"user_id", "1"}})
          .ok());
}

struct SelectCase {
  std::vector<Matcher> matchers;
  std::vector<std::string> expected;
};

class Selects : public ::testing::TestWithParam<SelectCase> {};

TEST_P(Selects, AsPrometheusDoes) {
  SeriesIndex index(100);
  for (const auto& pairs :
       std::vector<std::vector<model::Label>>{{{"__name__", "n"}, {"i", "1"}},
                                              {{"__name__", "n"}, {"i", "a"}},
                                              {{"__name__", "n"}, {"i", "b"}, {"j", "x"}},
                                              {{"__name__", "n"}, {"j", "y"}},
                                              {{"__name__", "m"}}}) {
    const auto id = resolve(index, pairs);
    ASSERT_TRUE(id.ok());
    index.cover(*id, 1000);
  }
  EXPECT_EQ(select(index, GetParam().matchers), GetParam().expected);
}

constexpr auto kEq = MatchOp::kEqual;
constexpr auto kNe = MatchOp::kNotEqual;
constexpr auto kRe = MatchOp::kRegex;
constexpr auto kNr = MatchOp::kNotRegex;
const char* kM = "m";
const char* kN1 = "n{i=\"1\"}";
const char* kNa = "n{i=\"a\"}";
const char* kNb = "n{i=\"b\", j=\"x\"}";
const char* kNy = "n{j=\"y\"}";

INSTANTIATE_TEST_SUITE_P(
    Matchers, Selects,
    ::testing::Values(
        SelectCase{{}, {kM, kN1, kNa, kNb, kNy}},
        SelectCase{{{kEq, "__name__", "n"}}, {kN1, kNa, kNb, kNy}},
        SelectCase{{{kEq, "i", "1"}}, {kN1}}, SelectCase{{{kEq, "i", "missing"}}, {}},
        SelectCase{{{kEq, "missing", ""}}, {kM, kN1, kNa, kNb, kNy}},
        SelectCase{{{kNe, "missing", ""}}, {}}, SelectCase{{{kEq, "i", ""}}, {kM, kNy}},
        SelectCase{{{kNe, "i", ""}}, {kN1, kNa, kNb}},
        SelectCase{{{kNe, "i", "1"}}, {kM, kNa, kNb, kNy}},
        SelectCase{{{kEq, "__name__", "n"}, {kNe, "i", "1"}}, {kNa, kNb, kNy}},
        SelectCase{{{kEq, "__name__", "n"}, {kNe, "i", ""}, {kNe, "i", "a"}}, {kN1, kNb}},
        SelectCase{{{kRe, "i", "1|a"}}, {kN1, kNa}}, SelectCase{{{kRe, "i", "1|"}}, {kM, kN1, kNy}},
        SelectCase{{{kRe, "i", "[0-9]"}}, {kN1}},
        SelectCase{{{kRe, "i", "[0-9]?"}}, {kM, kN1, kNy}},
        SelectCase{{{kRe, "i", ".*"}}, {kM, kN1, kNa, kNb, kNy}},
        SelectCase{{{kRe, "i", ".+"}}, {kN1, kNa, kNb}},
        SelectCase{{{kRe, "missing", ".*"}}, {kM, kN1, kNa, kNb, kNy}},
        SelectCase{{{kRe, "missing", ".+"}}, {}}, SelectCase{{{kNr, "i", ".*"}}, {}},
        SelectCase{{{kNr, "i", ".+"}}, {kM, kNy}}, SelectCase{{{kNr, "i", "1|a"}}, {kM, kNb, kNy}},
        SelectCase{{{kNr, "i", "1|"}}, {kNa, kNb}},
        SelectCase{{{kNr, "i", "[a-z]"}}, {kM, kN1, kNy}},
        SelectCase{{{kNr, "missing", "x"}}, {kM, kN1, kNa, kNb, kNy}},
        SelectCase{{{kRe, "i", ".+"}, {kRe, "j", ".+"}}, {kNb}},
        SelectCase{{{kEq, "i", ""}, {kEq, "j", ""}}, {kM}},
        SelectCase{{{kRe, "__name__", "n|m"}, {kNr, "j", "x|y"}}, {kM, kN1, kNa}}));

TEST(SeriesIndex, PrunesSeriesByTime) {
  SeriesIndex index(10);
  const auto id = resolve(index, {{"__name__", "up"}});
  ASSERT_TRUE(id.ok());
  EXPECT_THAT(select(index, {}), IsEmpty());  // no samples yet
  index.cover(*id, 10'000);
  index.cover(*id, 20'000);
  const auto found = [&index](int64_t begin_ms, int64_t end_ms) {
    return index.select({}, {begin_ms * 1'000'000, end_ms * 1'000'000}, {})->size();
  };
  EXPECT_EQ(found(0, 5'000), 0u);
  EXPECT_EQ(found(0, 10'001), 1u);
  EXPECT_EQ(found(15'000, 16'000), 1u);
  EXPECT_EQ(found(20'000, 30'000), 1u);
  EXPECT_EQ(found(25'000, 30'000), 0u);
}

TEST(SeriesIndex, ListsLabelNamesAndValues) {
  SeriesIndex index(10);
  for (const char* code : {"200", "500", "404"}) {
    index.cover(*resolve(index, {{"__name__", "a"}, {"code", code}}), 1);
  }
  index.cover(*resolve(index, {{"__name__", "b"}, {"code", "301"}, {"zone", "x"}}), 1);
  ValuesQuery query;
  query.table = Table::kSeries;
  EXPECT_THAT(*index.label_names(query), ElementsAre("__name__", "code", "zone"));
  query.key = "code";
  EXPECT_THAT(*index.label_values(query), ElementsAre("200", "301", "404", "500"));
  query.limit = 2;
  EXPECT_THAT(*index.label_values(query), ElementsAre("200", "301"));
  query.limit = 10;
  query.matchers = {{{kEq, "__name__", "a"}, {kNe, "code", "404"}}};
  EXPECT_THAT(*index.label_values(query), ElementsAre("200", "500"));
  EXPECT_THAT(*index.label_names(query), ElementsAre("__name__", "code"));
  query.matchers.push_back({{kEq, "zone", "x"}});
  EXPECT_THAT(*index.label_values(query), ElementsAre("200", "301", "500"));
  query.key = "nothing";
  EXPECT_THAT(*index.label_values(query), IsEmpty());
}

TEST(SeriesIndex, ForgetsSeriesAndMakesRoomForNewOnes) {
  SeriesIndex index(100);
  PostingsSet live;
  for (int i = 0; i < 100; ++i) {
    const auto id =
        resolve(index, {{"n", std::to_string(i)}, {"__name__", "up"}});  // through aliases
    ASSERT_TRUE(id.ok());
    index.cover(*id, 1);
    if (i % 3 == 0) live.add(*id);
  }
  ASSERT_TRUE(index.collect(live));
  EXPECT_EQ(index.size(), 34u);
  EXPECT_EQ(select(index, {{kRe, "n", "[0-9]"}}),
            (std::vector<std::string>{"up{n=\"0\"}", "up{n=\"3\"}", "up{n=\"6\"}", "up{n=\"9\"}"}));
  ValuesQuery query;
  query.key = "n";
  EXPECT_EQ(index.label_values(query)->size(), 34u);
  const auto again = resolve(index, {{"__name__", "up"}, {"n", "1"}});
  ASSERT_TRUE(again.ok());
  EXPECT_GE(*again, 100u);  // ids are not used twice
  EXPECT_EQ(*resolve(index, {{"__name__", "up"}, {"n", "3"}}), 3u);
}

TEST(SeriesOrder, PutsBucketsSideBySideByTheirNumber) {
  std::vector<std::string> sets;
  for (const char* method : {"GET", "POST"}) {
    for (const char* le : {"0.005", "0.01", "0.1", "1", "2.5", "10", "1e+02", "+Inf"}) {
      sets.push_back(model::Labels::of({{"__name__", "h_bucket"}, {"le", le}, {"method", method}})
                         .canonical());
    }
  }
  std::vector<std::string> shuffled = sets;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(1));
  std::sort(shuffled.begin(), shuffled.end(), [](const std::string& a, const std::string& b) {
    std::vector<LabelView> a_labels, b_labels;
    split_canonical(a, a_labels);
    split_canonical(b, b_labels);
    return part_order_less(a, find_bucket_label(a_labels, a), b, find_bucket_label(b_labels, b));
  });
  EXPECT_EQ(shuffled, sets);
}

TEST(PostingsSet, AgreesWithASetOfNumbers) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::set<SeriesId> model[2];
    PostingsSet sets[2];
    for (int i = 0; i < 2; ++i) {
      for (size_t n = random() % 60; n > 0; --n) {
        const SeriesId id = random() % 80;
        sets[i].add(id);
        model[i].insert(id);
      }
    }
    std::vector<SeriesId> both, either, only;
    std::set_intersection(model[0].begin(), model[0].end(), model[1].begin(), model[1].end(),
                          std::back_inserter(both));
    std::set_union(model[0].begin(), model[0].end(), model[1].begin(), model[1].end(),
                   std::back_inserter(either));
    std::set_difference(model[0].begin(), model[0].end(), model[1].begin(), model[1].end(),
                        std::back_inserter(only));
    PostingsSet a = sets[0], b = sets[0], c = sets[0];
    a.intersect(sets[1]);
    b.unite(sets[1]);
    c.subtract(sets[1]);
    EXPECT_EQ(a.ids(), both);
    EXPECT_EQ(b.ids(), either);
    EXPECT_EQ(c.ids(), only);
    EXPECT_EQ(sets[0].intersects(sets[1]), !both.empty());
    EXPECT_EQ(sets[0].size(), model[0].size());
  }
}

}  // namespace
}  // namespace vedette::store::engine
