// The yardstick: the proxy that one would write with gRPC C++ in an afternoon. Every method is a generic bidirectional
// stream of raw messages, with the callback API; neither side decodes anything. Metadata of answers is left out.
//
//   bench_grpc_proxy LISTEN_SOCKET RUNTIME_SOCKET
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

namespace {

// One call, both halves. Client half and server half end at different times: the last one deletes.
class RelayedCall final : public grpc::ServerGenericBidiReactor {
 public:
  RelayedCall(grpc::GenericStub& runtime, grpc::GenericCallbackServerContext* caller) : to_runtime_(*this) {
    context_.set_deadline(caller->deadline());
    for (const auto& [key, value] : caller->client_metadata()) {
      if (!key.starts_with("grpc-") && key != "user-agent") {
        context_.AddMetadata({key.data(), key.size()}, {value.data(), value.size()});
      }
    }
    runtime.PrepareBidiStreamingCall(&context_, caller->method(), {}, &to_runtime_);
    to_runtime_.AddMultipleHolds(2);  // its next read and its next write are started by the server half
    to_runtime_.StartCall();
    StartRead(&request_);
    to_runtime_.StartRead(&response_);
  }

 private:
  class ToRuntime final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    explicit ToRuntime(RelayedCall& call) : call_(call) {}
    void OnWriteDone(bool ok) override {
      if (ok) call_.StartRead(&call_.request_);
    }
    void OnReadDone(bool ok) override {
      if (ok) {
        call_.StartWrite(&call_.response_);
      } else {
        call_.end_requests();
        RemoveHold();
      }
    }
    void OnDone(const grpc::Status& status) override {
      call_.Finish(status);
      call_.release();
    }

   private:
    RelayedCall& call_;
  };

  void OnReadDone(bool ok) override {
    const std::lock_guard lock(requests_);
    if (requests_ended_) return;
    if (ok) {
      to_runtime_.StartWrite(&request_);
    } else {
      to_runtime_.StartWritesDone();
      release_hold();
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      to_runtime_.StartRead(&response_);
    } else {
      context_.TryCancel();
      end_requests();
      to_runtime_.RemoveHold();
    }
  }
  void OnCancel() override { context_.TryCancel(); }
  void OnDone() override { release(); }

  // The runtime has answered, perhaps before the caller's last message.
  void end_requests() {
    const std::lock_guard lock(requests_);
    if (!requests_ended_) release_hold();
  }
  // REQUIRES: requests_ is held, and requests have not ended.
  void release_hold() {
    requests_ended_ = true;
    to_runtime_.RemoveHold();
  }
  void release() {
    if (halves_.fetch_sub(1) == 1) delete this;
  }

  ToRuntime to_runtime_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  std::mutex requests_;
  bool requests_ended_ = false;  // guarded by requests_; no write to the runtime may start afterwards
  std::atomic<int> halves_ = 2;
};

class RelayService final : public grpc::CallbackGenericService {
 public:
  explicit RelayService(grpc::GenericStub& runtime) : runtime_(runtime) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new RelayedCall(runtime_, context);
  }

 private:
  grpc::GenericStub& runtime_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_grpc_proxy LISTEN_SOCKET RUNTIME_SOCKET\n");
    return 2;
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  grpc::GenericStub runtime(
      grpc::CreateCustomChannel(std::string("unix:") + argv[2], grpc::InsecureChannelCredentials(), arguments));
  RelayService service(runtime);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("unix:") + argv[1], grpc::InsecureServerCredentials());
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  server->Wait();
}
