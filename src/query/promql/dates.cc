// Calendar functions, in UTC.
#include <cmath>

#include "query/promql/calls.h"

namespace vedette::promql {
namespace {

struct Date {
  int64_t year;
  int month;  // 1 to 12
  int day;    // 1 to 31
  int day_of_year;
  int weekday;  // Sunday is 0
  int second_of_day;
};

bool is_leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in(int64_t year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

/// Any number of seconds is a date: years are counted from one so far away that all of them are
/// positive, as Go's time package does it.
Date date_of(int64_t seconds) {
  constexpr int64_t kFirstYear = -292'277'022'399;  // a year after a multiple of 400
  constexpr uint64_t kSecondsBefore1970 = 9'223'372'028'715'321'600u;
  const uint64_t total = static_cast<uint64_t>(seconds) + kSecondsBefore1970;
  uint64_t days = total / 86400;
  Date out{};
  out.second_of_day = static_cast<int>(total % 86400);
  out.weekday = static_cast<int>((days + 1) % 7);  // the first day of all was a Monday
  const uint64_t cycles = days / 146'097;
  days %= 146'097;
  uint64_t centuries = days / 36'524;
  centuries -= centuries >> 2;  // the last day of four centuries belongs to the fourth
  days -= centuries * 36'524;
  const uint64_t fours = days / 1461;
  days -= fours * 1461;
  uint64_t years = days / 365;
  years -= years >> 2;
  days -= years * 365;
  out.year = static_cast<int64_t>(cycles * 400 + centuries * 100 + fours * 4 + years) + kFirstYear;
  out.day_of_year = static_cast<int>(days) + 1;
  int day = static_cast<int>(days);
  for (out.month = 1; day >= days_in(out.year, out.month); ++out.month)
    day -= days_in(out.year, out.month);
  out.day = day + 1;
  return out;
}

/// Go's conversion on amd64: what does not fit is the smallest integer.
int64_t to_seconds(double v) {
  if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0))
    return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(v);
}

}  // namespace

DateFunction find_date_function(std::string_view name) {
  struct Entry {
    std::string_view name;
    DateFunction function;
  };
  static constexpr Entry kFunctions[] = {
      {"day_of_month", [](int64_t s) -> double { return date_of(s).day; }},
      {"day_of_week", [](int64_t s) -> double { return date_of(s).weekday; }},
      {"day_of_year", [](int64_t s) -> double { return date_of(s).day_of_year; }},
      {"days_in_month",
       [](int64_t s) -> double { return days_in(date_of(s).year, date_of(s).month); }},
      {"hour", [](int64_t s) -> double { return date_of(s).second_of_day / 3600; }},
      {"minute", [](int64_t s) -> double { return date_of(s).second_of_day / 60 % 60; }},
      {"month", [](int64_t s) -> double { return date_of(s).month; }},
      {"year", [](int64_t s) -> double { return static_cast<double>(date_of(s).year); }},
  };
  for (const Entry& entry : kFunctions) {
    if (entry.name == name) return entry.function;
  }
  return nullptr;
}

Result<Matrix> call_date(Evaluator& ev, const Call& call, const Frame& frame,
                         DateFunction function) {
  if (!call.args.empty()) {
    return map_values(ev, *call.args[0], frame,
                      [function](double v) { return function(to_seconds(v)); });
  }
  Series series{{}, std::vector<double>(frame.steps)};
  for (size_t step = 0; step < frame.steps; ++step)
    series.values[step] = function(frame.time(step) / 1000);
  Matrix out;
  out.push_back(std::move(series));
  return out;
}

}  // namespace vedette::promql
