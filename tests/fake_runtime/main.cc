// fake-runtime: a container runtime's CRI end for tests, built on gRPC C++, so that neither its HTTP/2 nor its protobuf
// definitions are the shim's.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "call.h"
#include "control.h"
#include "runtime.h"

namespace {

std::unique_ptr<grpc::Server> Listen(const std::string& socket, grpc::CallbackGenericService& service) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(&service);
  builder.SetMaxReceiveMessageSize(-1);
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 256 * 1024);
  return builder.BuildAndStart();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A CRI runtime for tests");
  std::string socket, control_socket;
  std::vector<std::string> versions = {"v1", "v1alpha2"}, services = {"ImageService", "RuntimeService"}, without;
  app.add_option("--socket", socket, "where CRI is served")->required();
  app.add_option("--control", control_socket, "where tests say what is to happen (control.h)");
  app.add_option("--versions", versions, "CRI versions that it speaks")->delimiter(',');
  app.add_option("--services", services, "CRI services that it has")->delimiter(',');
  app.add_option("--without", without, "what it lacks of those: v1.ImageService, v1.ImageService/ImageFsInfo")
      ->delimiter(',');
  CLI11_PARSE(app, argc, argv);

  fake_runtime::Runtime runtime(
      {{versions.begin(), versions.end()}, {services.begin(), services.end()}, {without.begin(), without.end()}});
  fake_runtime::Control control(runtime);
  fake_runtime::Service service(runtime);
  std::unique_ptr<grpc::Server> control_server;
  if (!control_socket.empty()) control_server = Listen(control_socket, control);
  const auto server = Listen(socket, service);
  if (!server || (!control_socket.empty() && !control_server)) {
    std::cerr << "fake-runtime: cannot listen\n";
    return 1;
  }

  // Until a signal ends the process: it has nothing to put in order.
  server->Wait();
  return 0;
}
