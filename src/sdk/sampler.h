// Head sampling: ParentBased, TraceIdRatioBased, AlwaysOn, AlwaysOff and AlwaysRecord as the
// specification has them (opentelemetry-specification, trace/sdk.md, "Built-in samplers"). A
// sampler of somebody else's may stand at any leaf: whoever holds it is asked. Immutable once
// built; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

namespace vedette::sdk {

struct SamplingParent {
  bool valid = false;
  bool remote = false;
  bool sampled = false;
};

enum class Decision : uint8_t { kDrop, kRecordOnly, kRecordAndSample };

struct Sampler {
  enum class Kind : uint8_t {
    kAlwaysOff,
    kRecordOnly,
    kAlwaysOn,
    kTraceIdRatio,
    kParentBased,
    kAlwaysRecord,  // what its root drops is recorded, and not sampled
    kForeign,       // `foreign` decides
    kErrorAware,    // the outcome decides: `foreign` is where the spans wait for it
  };
  /// Children of a parent-based sampler, in the order of its constructor upstream.
  enum Child { kRoot, kRemoteSampled, kRemoteNotSampled, kLocalSampled, kLocalNotSampled };

  Kind kind = Kind::kAlwaysOn;
  /// Trace ids whose low 64 bits are below this are sampled; `all` stands for a bound of 2^64.
  uint64_t bound = 0;
  bool all = false;
  std::array<std::unique_ptr<Sampler>, 5> children;
  void* foreign = nullptr;

  /// `ask(foreign)` gives the Decision of a foreign sampler.
  template <typename Ask>
  Decision should_sample(const SamplingParent& parent, uint64_t trace_id_low, Ask&& ask) const {
    switch (kind) {
      case Kind::kAlwaysOff:
        return Decision::kDrop;
      case Kind::kRecordOnly:
        return Decision::kRecordOnly;
      case Kind::kAlwaysOn:
        return Decision::kRecordAndSample;
      case Kind::kTraceIdRatio:
        return all || trace_id_low < bound ? Decision::kRecordAndSample : Decision::kDrop;
      case Kind::kForeign:
      case Kind::kErrorAware:
        return ask(foreign);
      case Kind::kAlwaysRecord:
        return std::max(children[kRoot]->should_sample(parent, trace_id_low, ask),
                        Decision::kRecordOnly);
      case Kind::kParentBased:
        break;
    }
    Child child = kRoot;
    if (parent.valid) {
      child = parent.remote ? (parent.sampled ? kRemoteSampled : kRemoteNotSampled)
                            : (parent.sampled ? kLocalSampled : kLocalNotSampled);
    }
    return children[child]->should_sample(parent, trace_id_low, ask);
  }
};

}  // namespace vedette::sdk
