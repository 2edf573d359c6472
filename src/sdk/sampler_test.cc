#include "sdk/sampler.h"

#include <gtest/gtest.h>

namespace vedette::sdk {
namespace {

Decision nobody(void*) {
  ADD_FAILURE() << "no foreign sampler here";
  return Decision::kDrop;
}

std::unique_ptr<Sampler> leaf(Sampler::Kind kind) {
  auto made = std::make_unique<Sampler>();
  made->kind = kind;
  return made;
}

TEST(Sampler, RatioIsDecidedByTheLowHalfOfTheTraceId) {
  Sampler sampler;
  sampler.kind = Sampler::Kind::kTraceIdRatio;
  sampler.bound = 1000;
  EXPECT_EQ(sampler.should_sample({}, 999, nobody), Decision::kRecordAndSample);
  EXPECT_EQ(sampler.should_sample({}, 1000, nobody), Decision::kDrop);
  sampler.all = true;
  EXPECT_EQ(sampler.should_sample({}, ~uint64_t{0}, nobody), Decision::kRecordAndSample);
}

TEST(Sampler, ParentBasedFollowsTheParentAndAsksTheRootOtherwise) {
  using Kind = Sampler::Kind;
  Sampler sampler;
  sampler.kind = Kind::kParentBased;
  // A different answer from the sampled and the unsampled of each kind, and from the root.
  sampler.children = {leaf(Kind::kAlwaysOff), leaf(Kind::kAlwaysOn), leaf(Kind::kAlwaysOff),
                      leaf(Kind::kAlwaysOff), leaf(Kind::kAlwaysOn)};
  struct Case {
    SamplingParent parent;
    bool expected;
  };
  const Case cases[] = {
      {{.valid = false, .remote = false, .sampled = true}, false},
      {{.valid = true, .remote = true, .sampled = true}, true},
      {{.valid = true, .remote = true, .sampled = false}, false},
      {{.valid = true, .remote = false, .sampled = true}, false},
      {{.valid = true, .remote = false, .sampled = false}, true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(sampler.should_sample(c.parent, 1, nobody),
              c.expected ? Decision::kRecordAndSample : Decision::kDrop);
  }
}

TEST(Sampler, AlwaysRecordRaisesADropAndAsksTheForeignSampler) {
  using Kind = Sampler::Kind;
  Sampler sampler;
  sampler.kind = Kind::kAlwaysRecord;
  sampler.children[Sampler::kRoot] = leaf(Kind::kForeign);
  int marker = 0;
  sampler.children[Sampler::kRoot]->foreign = &marker;
  for (Decision said : {Decision::kDrop, Decision::kRecordOnly, Decision::kRecordAndSample}) {
    const Decision got = sampler.should_sample({}, 1, [&](void* foreign) {
      EXPECT_EQ(foreign, &marker);
      return said;
    });
    EXPECT_EQ(got, said == Decision::kDrop ? Decision::kRecordOnly : said);
  }
}

}  // namespace
}  // namespace vedette::sdk
