#include "sdk/lane_batch.h"

#include <gtest/gtest.h>

#include <protozero/pbf_reader.hpp>

#include "sdk/otlp_fields.h"
#include "sdk/source_table.h"

namespace vedette::sdk {
namespace {

/// "resource(scope: item item; scope: item)" for each resource, with schema URLs after '@'.
std::string outline(std::string_view request) {
  std::string out;
  protozero::pbf_reader groups(request.data(), request.size());
  while (groups.next(otlp::Request::kResourceGroups)) {
    std::string scopes, resource, url;
    protozero::pbf_reader group = groups.get_message();
    while (group.next()) {
      if (group.tag() == otlp::ResourceGroup::kResource) {
        resource = group.get_string();
      } else if (group.tag() == otlp::ResourceGroup::kSchemaUrl) {
        url = '@' + group.get_string();
      } else {
        protozero::pbf_reader scope = group.get_message();
        while (scope.next()) {
          const bool item = scope.tag() == otlp::ScopeGroup::kItems;
          const bool schema = scope.tag() == otlp::ScopeGroup::kSchemaUrl;
          scopes += (item ? " " : schema ? " @" : ";") + scope.get_string();
        }
      }
    }
    out += resource + url + '(' + scopes + ')';
  }
  return out;
}

TEST(LaneBatch, GroupsByResourceAndScope) {
  SourceTable& table = SourceTable::instance();
  const uint32_t one = table.intern("r1", "", "s1", "");
  const uint32_t other = table.intern("r1", "", "s2", "u2");
  const uint32_t third = table.intern("r2", "u", "s1", "");
  std::map<uint32_t, std::string> items;
  append_item(items[one], "a");
  append_item(items[third], "b");
  append_item(items[one], "c");
  append_item(items[other], std::string(300, 'd'));
  EXPECT_EQ(outline(encode_request(items)),
            "r1(;s1 a c;s2 " + std::string(300, 'd') + " @u2)r2@u(;s1 b)");
}

TEST(LaneBatch, NothingIsAnEmptyRequest) {
  EXPECT_EQ(encode_request({}), "");
}

}  // namespace
}  // namespace vedette::sdk
