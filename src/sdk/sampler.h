// Head sampling: ParentBased, TraceIdRatioBased, AlwaysOn and AlwaysOff as the specification has
// them (opentelemetry-specification, trace/sdk.md, "Built-in samplers"). Immutable once built; any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

namespace vedette::sdk {

struct SamplingParent {
  bool valid = false;
  bool remote = false;
  bool sampled = false;
};

struct Sampler {
  enum class Kind : uint8_t { kAlwaysOff, kAlwaysOn, kTraceIdRatio, kParentBased };
  /// Children of a parent-based sampler, in the order of its constructor upstream.
  enum Child { kRoot, kRemoteSampled, kRemoteNotSampled, kLocalSampled, kLocalNotSampled };

  Kind kind = Kind::kAlwaysOn;
  /// Trace ids whose low 64 bits are below this are sampled; `all` stands for a bound of 2^64.
  uint64_t bound = 0;
  bool all = false;
  std::array<std::unique_ptr<Sampler>, 5> children;

  bool should_sample(const SamplingParent& parent, uint64_t trace_id_low) const {
    switch (kind) {
      case Kind::kAlwaysOff:
        return false;
      case Kind::kAlwaysOn:
        return true;
      case Kind::kTraceIdRatio:
        return all || trace_id_low < bound;
      case Kind::kParentBased:
        break;
    }
    Child child = kRoot;
    if (parent.valid) {
      child = parent.remote ? (parent.sampled ? kRemoteSampled : kRemoteNotSampled)
                            : (parent.sampled ? kLocalSampled : kLocalNotSampled);
    }
    return children[child]->should_sample(parent, trace_id_low);
  }
};

}  // namespace vedette::sdk
