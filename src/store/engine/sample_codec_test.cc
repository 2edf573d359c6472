#include "store/engine/sample_codec.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <random>

#include "model/sample_batch.h"
#include "store/engine/sample_bits.h"

namespace vedette::store::engine {
namespace {

std::vector<uint64_t> bits(const std::vector<double>& values) {
  std::vector<uint64_t> out;
  for (double v : values) out.push_back(std::bit_cast<uint64_t>(v));
  return out;
}

/// Bytes used; the values must come back bit for bit, with and without more bytes behind them.
size_t round_trip(const std::vector<double>& values) {
  std::string bytes;
  encode_values(values, bytes);
  for (const char* behind : {"", "some more bytes behind"}) {
    std::vector<double> back(values.size());
    EXPECT_TRUE(decode_values(bytes + behind, back));
    EXPECT_EQ(bits(back), bits(values));
  }
  return bytes.size();
}

TEST(SampleCodec, KeepsEveryBitOfOddValues) {
  const double odd[] = {0.0,
                        -0.0,
                        1,
                        -1,
                        0.1,
                        1e300,
                        -1e-300,
                        5e-324,
                        INFINITY,
                        -INFINITY,
                        NAN,
                        9007199254740993.0,
                        model::stale_marker(),
                        std::bit_cast<double>(0xfff8000000000001),
                        1e15,
                        123456.789};
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::vector<double> values(1 + random() % 200);
    for (double& v : values) v = odd[random() % std::size(odd)];
    round_trip(values);
  }
}

TEST(SampleCodec, KeepsBlocksOfAllSizes) {
  for (size_t n = 1; n <= kBlockSamplesMax; n = n < 140 ? n + 1 : n * 2) {
    std::vector<double> counter(n), noise(n);
    std::mt19937_64 random(n);
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
      counter[i] = sum += static_cast<double>(random() % 9);
      noise[i] = std::bit_cast<double>(random());
    }
    round_trip(counter);
    round_trip(noise);
  }
}

TEST(SampleCodec, SpendsLittleOnWhatIsSimple) {
  std::vector<double> values(1440);
  std::mt19937 random(1);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i / 7);
  EXPECT_LT(round_trip(values), 1440 / 8 + 40u);  // a bit each
  for (double& v : values) v = static_cast<double>(random() % 100) / 100;
  EXPECT_LT(round_trip(values), 1440 * 9 / 8);
  for (double& v : values) v = 4096.0 * static_cast<double>(random() % 16);  // pages of memory
  EXPECT_LT(round_trip(values), 1440 * 6 / 8);
  values.back() = model::stale_marker();  // does not spoil the block
  EXPECT_LT(round_trip(values), 1440 * 6 / 8);
  std::fill(values.begin(), values.end(), 0.3);
  EXPECT_LT(round_trip(values), 10u);
}

TEST(SampleCodec, KeepsTimes) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 300; ++round) {
    std::vector<int64_t> times(1 + random() % 300);
    int64_t t = static_cast<int64_t>(random() % 2'000'000'000'000) - 10'000'000;
    const uint64_t jitter = uint64_t{1} << random() % 40;
    for (int64_t& time : times) time = t += 1 + static_cast<int64_t>(random() % jitter);
    std::string bytes;
    encode_times(times, bytes);
    std::vector<int64_t> back(times.size());
    ASSERT_TRUE(decode_times(bytes, back));
    EXPECT_EQ(back, times);
  }
  std::vector<int64_t> ends = {INT64_MIN, -1, INT64_MAX}, back(3);
  std::string bytes;
  encode_times(ends, bytes);
  ASSERT_TRUE(decode_times(bytes, back));
  EXPECT_EQ(back, ends);
}

TEST(SampleCodec, RefusesShortenedBytes) {
  std::vector<double> values(100);
  std::vector<int64_t> times(100);
  for (size_t i = 0; i < 100; ++i) {
    values[i] = static_cast<double>(i * i % 77) / 10;
    times[i] = static_cast<int64_t>(i * 15'000 + i * i % 5);
  }
  std::string value_bytes, time_bytes;
  encode_values(values, value_bytes);
  encode_times(times, time_bytes);
  for (size_t n = 0; n < value_bytes.size(); ++n)
    EXPECT_FALSE(decode_values(value_bytes.substr(0, n), values));
  for (size_t n = 0; n < time_bytes.size(); ++n)
    EXPECT_FALSE(decode_times(time_bytes.substr(0, n), times));
}

TEST(SampleBits, PacksEveryWidth) {
  std::mt19937_64 random(3);
  for (unsigned width = 0; width <= 64; ++width) {
    for (size_t n : {1u, 7u, 63u, 64u, 65u, 200u}) {
      std::vector<uint64_t> numbers(n), back(n);
      for (uint64_t& number : numbers) number = width == 0 ? 0 : random() >> (64 - width);
      std::string bytes;
      pack_bits(numbers, bytes);
      base::ByteReader in(bytes);
      ASSERT_TRUE(unpack_bits(in, back));
      EXPECT_EQ(in.left(), 0u);
      EXPECT_EQ(back, numbers) << "width " << width;
    }
  }
}

}  // namespace
}  // namespace vedette::store::engine
