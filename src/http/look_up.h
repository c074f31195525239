// The addresses of a host, by asking whom the system asks. These functions block: they are for threads that may wait.
// Internal to http/.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shim::http {

// In the order in which they are to be tried; at least one.
using Addresses = std::vector<boost::asio::ip::address>;
// The error is the reason alone: `Name or service not known`.
using LookUp = std::function<Expected<Addresses>(const std::string& host)>;

// getaddrinfo(3): hosts file, DNS, or whatever nsswitch.conf says.
Expected<Addresses> look_up_with_system(const std::string& host);

// What the file (/etc/hosts) says of the host: needs no network, so it always ends. Nothing where it is not listed or
// there is no such file.
Addresses look_up_in_file(const std::string& file, std::string_view host);

// What needs no look-up: an IP address, and `localhost` with everything below it (RFC 6761 §6.3). Does not block.
Addresses addresses_without_look_up(std::string_view host);

}  // namespace shim::http
