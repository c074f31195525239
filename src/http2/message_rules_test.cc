#include "http2/message_rules.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace shim::http2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

HeaderList list_of(const Fields& fields) {
  HeaderList list;
  for (const auto& [name, value] : fields) list.add(name, value);
  return list;
}

Fields operator+(Fields fields, const Fields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

const Fields kRequest = {{":method", "POST"}, {":scheme", "http"}, {":path", "/a.B/C"}, {":authority", "localhost"}};
const Fields kResponse = {{":status", "200"}};

struct Case {
  const char* name;
  Fields fields;
  bool is_malformed;
};
void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}
std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

class Request : public testing::TestWithParam<Case> {};

TEST_P(Request, IsCheckedByRfc9113Section8) {
  EXPECT_EQ(malformed_request(list_of(GetParam().fields)).has_value(), GetParam().is_malformed);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Request,
    testing::Values(
        Case{"Usual", kRequest + Fields{{"te", "trailers"}, {"content-type", "application/grpc"}}, false},
        Case{"SocketPathAsAuthority",
             {{":method", "POST"}, {":scheme", "http"}, {":path", "/a.B/C"}, {":authority", "/run/shim.sock"}},
             false},
        Case{"NoAuthority", {{":method", "POST"}, {":scheme", "http"}, {":path", "/a.B/C"}}, false},
        Case{"NoMethod", {{":scheme", "http"}, {":path", "/"}}, true},
        Case{"NoScheme", {{":method", "POST"}, {":path", "/"}}, true},
        Case{"NoPath", {{":method", "POST"}, {":scheme", "http"}}, true},
        Case{"EmptyPath", {{":method", "POST"}, {":scheme", "http"}, {":path", ""}}, true},
        Case{"RepeatedPseudoHeader", kRequest + Fields{{":path", "/a.B/D"}}, true},
        Case{"UnknownPseudoHeader", kRequest + Fields{{":protocol", "websocket"}}, true},
        Case{"ResponsePseudoHeader", kRequest + Fields{{":status", "200"}}, true},
        Case{"PseudoHeaderAfterRegularField",
             Fields{{":method", "POST"}, {":scheme", "http"}, {"x", "1"}, {":path", "/"}}, true},
        Case{"PseudoHeaderWithLineFeed", {{":method", "POST"}, {":scheme", "http"}, {":path", "/a\n"}}, true},
        Case{"Connect", {{":method", "CONNECT"}, {":authority", "a:1"}}, false},
        Case{"ConnectWithPath", {{":method", "CONNECT"}, {":path", "/"}, {":authority", "a:1"}}, true},
        Case{"UpperCaseName", kRequest + Fields{{"Content-Type", "x"}}, true},
        Case{"EmptyName", kRequest + Fields{{"", "x"}}, true},
        Case{"SpaceInName", kRequest + Fields{{"a b", "x"}}, true},
        Case{"NonAsciiName", kRequest + Fields{{"\xc3\xa4", "x"}}, true},
        Case{"ControlCharacterInName", kRequest + Fields{{"a\x01", "x"}}, true},
        Case{"ColonInName", kRequest + Fields{{"a:b", "x"}}, true},
        Case{"NulInValue", kRequest + Fields{{"a", std::string("x\0y", 3)}}, true},
        Case{"CarriageReturnInValue", kRequest + Fields{{"a", "x\ry"}}, true},
        Case{"LineFeedInValue", kRequest + Fields{{"a", "x\ny"}}, true},
        Case{"BinaryValue", kRequest + Fields{{"a", "\x01\x80\xff"}}, false},
        Case{"EmptyValue", kRequest + Fields{{"a", ""}}, false},
        Case{"RepeatedField", kRequest + Fields{{"a", "1"}, {"a", "2"}}, false},
        Case{"Connection", kRequest + Fields{{"connection", "close"}}, true},
        Case{"KeepAlive", kRequest + Fields{{"keep-alive", "timeout=5"}}, true},
        Case{"ProxyConnection", kRequest + Fields{{"proxy-connection", "close"}}, true},
        Case{"TransferEncoding", kRequest + Fields{{"transfer-encoding", "chunked"}}, true},
        Case{"Upgrade", kRequest + Fields{{"upgrade", "h2c"}}, true},
        Case{"OtherTe", kRequest + Fields{{"te", "gzip"}}, true},
        Case{"ContentLength", kRequest + Fields{{"content-length", "12"}}, false},
        Case{"ContentLengthTwiceTheSame", kRequest + Fields{{"content-length", "1"}, {"content-length", "1"}}, false},
        Case{"ContentLengthsThatDiffer", kRequest + Fields{{"content-length", "1"}, {"content-length", "2"}}, true},
        Case{"ContentLengthWithoutNumber", kRequest + Fields{{"content-length", "12x"}}, true},
        Case{"NegativeContentLength", kRequest + Fields{{"content-length", "-1"}}, true},
        Case{"EmptyContentLength", kRequest + Fields{{"content-length", ""}}, true}),
    name_of);

class Response : public testing::TestWithParam<Case> {};

TEST_P(Response, IsCheckedByRfc9113Section8) {
  EXPECT_EQ(malformed_response(list_of(GetParam().fields)).has_value(), GetParam().is_malformed);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Response,
    testing::Values(Case{"Usual", kResponse + Fields{{"content-type", "application/grpc"}}, false},
                    // A percent-encoded grpc-message keeps its spaces, wherever they are.
                    Case{"ValueThatEndsInASpace", kResponse + Fields{{"grpc-message", "no such file: "}}, false},
                    Case{"NoStatus", {{"content-type", "application/grpc"}}, true},
                    Case{"EmptyStatus", {{":status", ""}}, true}, Case{"ShortStatus", {{":status", "20"}}, true},
                    Case{"StatusThatIsNoNumber", {{":status", "2x0"}}, true},
                    Case{"SwitchingProtocols", {{":status", "101"}}, true},
                    Case{"RepeatedStatus", kResponse + kResponse, true},
                    Case{"RequestPseudoHeader", kResponse + Fields{{":path", "/"}}, true},
                    Case{"UpperCaseName", kResponse + Fields{{"Grpc-Status", "0"}}, true},
                    Case{"Connection", kResponse + Fields{{"connection", "close"}}, true}),
    name_of);

class Trailers : public testing::TestWithParam<Case> {};

TEST_P(Trailers, AreCheckedByRfc9113Section8) {
  EXPECT_EQ(malformed_trailers(list_of(GetParam().fields)).has_value(), GetParam().is_malformed);
}

INSTANTIATE_TEST_SUITE_P(Rules, Trailers,
                         testing::Values(Case{"Usual", {{"grpc-status", "0"}, {"x-bin", "AA=="}}, false},
                                         Case{"None", {}, false}, Case{"PseudoHeader", kResponse, true},
                                         Case{"UpperCaseName", {{"Grpc-Status", "0"}}, true},
                                         Case{"Connection", {{"connection", "close"}}, true}),
                         name_of);

TEST(ContentLength, IsTheNumberOrNothing) {
  EXPECT_EQ(content_length(list_of({{"content-length", "0"}})), 0U);
  EXPECT_EQ(content_length(list_of({{"content-length", "18446744073709551615"}})), 18446744073709551615U);
  EXPECT_EQ(content_length(list_of({{"content-length", "18446744073709551616"}})), std::nullopt);
  EXPECT_EQ(content_length(list_of({})), std::nullopt);
}

TEST(Informational, IsEvery1xx) {
  EXPECT_TRUE(is_informational(list_of({{":status", "100"}})));
  EXPECT_TRUE(is_informational(list_of({{":status", "103"}})));
  EXPECT_FALSE(is_informational(list_of({{":status", "200"}})));
  EXPECT_FALSE(is_informational(list_of({})));
}

}  // namespace
}  // namespace shim::http2
