#include "http/route.h"

#include <gtest/gtest.h>

namespace shim::http {
namespace {

Route route_to(std::initializer_list<const char*> addresses) {
  Route route{.proxy = {}, .unix_socket = {}, .addresses = {}, .time_given = std::chrono::seconds(2)};
  for (const char* address : addresses) route.addresses.push_back(boost::asio::ip::make_address(address));
  return route;
}

TEST(Route, TellsLibcurlAddressesThatTimeOut) {
  const Url url = Url::parse("https://harbor.local/").value();
  EXPECT_EQ(route_to({"10.0.0.5", "fd00::5"}).resolve_entry(url), "+harbor.local:443:10.0.0.5,[fd00::5]");
}

TEST(Route, HasNothingToTellOfAnAddress) {
  EXPECT_EQ(route_to({"10.0.0.5"}).resolve_entry(Url::parse("http://10.0.0.5:5000/").value()), "");
  EXPECT_EQ(route_to({"fd00::5"}).resolve_entry(Url::parse("http://[fd00::5]:5000/").value()), "");
}

TEST(Route, ThroughAProxyNeedsTheProxysAddress) {
  Route route = route_to({"10.0.0.9"});
  route.proxy = Proxy{.scheme = "http", .host = "proxy.local", .port = 3128};
  const Url url = Url::parse("https://harbor.local/").value();
  EXPECT_EQ(route.resolve_entry(url), "+proxy.local:3128:10.0.0.9");
  EXPECT_EQ(route.peer(url), "the proxy 10.0.0.9:3128");
}

TEST(Route, NamesWhomItTries) {
  const Url url = Url::parse("http://harbor.local:5000/").value();
  EXPECT_EQ(route_to({"10.0.0.5"}).peer(url), "10.0.0.5:5000");
  EXPECT_EQ(route_to({"fd00::5", "10.0.0.5"}).peer(url), "[fd00::5]:5000 or its other address");
  EXPECT_EQ(route_to({"10.0.0.5", "10.0.0.6", "10.0.0.7"}).peer(url), "10.0.0.5:5000 or 2 other addresses");
}

}  // namespace
}  // namespace shim::http
