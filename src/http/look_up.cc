#include "http/look_up.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <cerrno>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <system_error>

#include "http/headers.h"

namespace shim::http {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kMaxAddresses = 16;  // a name with more gives its first ones
constexpr int kMaxLines = 100'000;         // of the hosts file

std::optional<ip::address> address_of(const addrinfo& entry) {
  if (entry.ai_family == AF_INET) {
    const auto& socket_address = *reinterpret_cast<const sockaddr_in*>(entry.ai_addr);
    return ip::address_v4(ntohl(socket_address.sin_addr.s_addr));
  }
  if (entry.ai_family != AF_INET6) return std::nullopt;
  const auto& socket_address = *reinterpret_cast<const sockaddr_in6*>(entry.ai_addr);
  ip::address_v6::bytes_type bytes;
  std::ranges::copy(socket_address.sin6_addr.s6_addr, bytes.begin());
  return ip::address_v6(bytes);
}

void add(Addresses& addresses, const ip::address& address) {
  if (addresses.size() < kMaxAddresses && std::ranges::find(addresses, address) == addresses.end())
    addresses.push_back(address);
}

std::string reason_of(int error) {
  return error == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(error);
}

std::string_view without_final_dot(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

}  // namespace

Expected<Addresses> look_up_with_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found)) return fail(reason_of(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  Addresses addresses;
  for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
    if (const auto address = address_of(*entry)) add(addresses, *address);
  }
  if (addresses.empty()) return fail("it has no address");
  return addresses;
}

Addresses look_up_in_file(const std::string& file, std::string_view host) {
  host = without_final_dot(host);
  Addresses addresses;
  std::ifstream in(file);
  std::string line;
  for (int count = 0; count < kMaxLines && std::getline(in, line); ++count) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string first;
    words >> first;
    boost::system::error_code error;
    const auto address = ip::make_address(first, error);
    if (error) continue;
    for (std::string name; words >> name;) {
      if (equal_without_case(without_final_dot(name), host)) add(addresses, address);
    }
  }
  return addresses;
}

Addresses addresses_without_look_up(std::string_view host) {
  boost::system::error_code error;
  const auto address = ip::make_address(host, error);
  if (!error) return {address};
  const std::string_view name = without_final_dot(host);
  if (name == "localhost" || name.ends_with(".localhost"))
    return {ip::address_v4::loopback(), ip::address_v6::loopback()};
  return {};
}

}  // namespace shim::http
