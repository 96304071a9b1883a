#include "cli/hooks/cmd_webhook.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace dml::cli {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;

constexpr std::size_t kInputMax = 64U << 20U;

struct Address {
  std::string host;  // without brackets
  std::string port;
  std::string target;
};

Result<Address> ParseUrl(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return Error::Invalid("the address does not begin with http://");
  const std::size_t slash = std::min(url.find_first_of("/?", kScheme.size()), url.size());
  std::string place = url.substr(kScheme.size(), slash - kScheme.size());
  Address address{{}, "80", url.substr(slash)};
  if (!address.target.starts_with('/')) address.target.insert(0, "/");
  const std::size_t bracket = place.rfind(']');
  const std::size_t colon = place.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    address.port = place.substr(colon + 1);
    place.resize(colon);
  }
  if (place.starts_with('[') && place.ends_with(']')) place = place.substr(1, place.size() - 2);
  if (place.empty() || address.port.empty()) return Error::Invalid("the address has no host");
  if (place.find('@') != std::string::npos) {
    return Error::Invalid("an http:// address has no user: say it with headers, as Authorization");
  }
  address.host = place;
  return address;
}

Result<std::string> ReadInput() {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0) return Error::System("cannot read stdin", errno);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kInputMax) return Error::Invalid("there is too much on stdin");
  }
}

// The status of the answer and its name, "404 Not Found". Throws what Boost throws.
std::pair<int, std::string> Post(const Address& address, const Json& headers,
                                 const std::string& body) {
  boost::asio::io_context context;
  tcp::resolver resolver(context);
  beast::tcp_stream stream(context);
  stream.connect(resolver.resolve(address.host, address.port));
  http::request<http::string_body> request(http::verb::post, address.target, 11);
  request.set(http::field::host,
              address.port == "80" ? address.host : address.host + ":" + address.port);
  request.set(http::field::user_agent, "dml");
  for (const auto& [name, value] : headers.items()) request.set(name, value.get<std::string>());
  request.body() = body;
  request.prepare_payload();
  http::write(stream, request);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(stream, buffer, response);
  const auto status = static_cast<int>(response.result_int());
  const auto reason = response.reason();
  return {status, fmt::format("{} {}", status, std::string_view(reason.data(), reason.size()))};
}

Result<ExitCode> RunWebhook() {
  DML_TRY(const std::string input, ReadInput());
  try {
    const Json request = Json::from_cbor(input);
    DML_TRY(const Address address, ParseUrl(request.at("url").get<std::string>()));
    const auto [status, name] =
        Post(address, request.at("headers"), request.at("body").get<std::string>());
    if (status >= 200 && status < 300) return ExitCode::kDone;
    return Error::Task("the server answered " + name);
  } catch (const boost::system::system_error& problem) {
    return Error::Environment("cannot post: " + problem.code().message());
  } catch (const std::exception& problem) {
    return Error::Environment(problem.what());
  }
}

}  // namespace

Action SetupWebhook(Args& args, CommonOptions&) {
  args.Describe("Started by dml itself for the hooks of `on:`.");
  return [](Output&) { return RunWebhook(); };
}

}  // namespace dml::cli
