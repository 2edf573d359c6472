#include "sdk/sampler.h"

#include <gtest/gtest.h>

namespace vedette::sdk {
namespace {

std::unique_ptr<Sampler> leaf(Sampler::Kind kind) {
  auto made = std::make_unique<Sampler>();
  made->kind = kind;
  return made;
}

TEST(Sampler, RatioIsDecidedByTheLowHalfOfTheTraceId) {
  Sampler sampler;
  sampler.kind = Sampler::Kind::kTraceIdRatio;
  sampler.bound = 1000;
  EXPECT_TRUE(sampler.should_sample({}, 999));
  EXPECT_FALSE(sampler.should_sample({}, 1000));
  sampler.all = true;
  EXPECT_TRUE(sampler.should_sample({}, ~uint64_t{0}));
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
  for (const Case& c : cases) EXPECT_EQ(sampler.should_sample(c.parent, 1), c.expected);
}

}  // namespace
}  // namespace vedette::sdk
