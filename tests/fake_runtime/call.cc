#include "call.h"

#include <unistd.h>

#include <algorithm>

namespace fake_runtime {
namespace {

constexpr std::string_view kEchoInitial = "echo-initial-";
constexpr std::string_view kEchoTrailing = "echo-trailing-";

std::string Flattened(const grpc::ByteBuffer& buffer, size_t limit) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  for (const auto& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), std::min(slice.size(), limit - bytes.size()));
    if (bytes.size() == limit) break;
  }
  return bytes;
}

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

Record Opening(const grpc::GenericCallbackServerContext& context) {
  Record record;
  record.method = context.method();
  record.authority = context.host();
  record.received_ns = Now();
  for (const auto& [name, value] : context.client_metadata()) {
    const std::string key(name.data(), name.size());
    const std::string_view bytes(value.data(), value.size());
    record.metadata.emplace_back(key, key.ends_with("-bin") ? ToHex(bytes) : std::string(bytes));
  }
  if (context.deadline() != std::chrono::system_clock::time_point::max()) {
    record.deadline_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(context.deadline() - std::chrono::system_clock::now())
            .count();
  }
  return record;
}

// Deletes itself in OnDone, which gRPC calls once nothing of the call is left.
class Call final : public grpc::ServerGenericBidiReactor, public Held {
 public:
  Call(Runtime& runtime, grpc::GenericCallbackServerContext* context)
      : runtime_(runtime),
        context_(*context),
        method_(context->method()),
        record_(runtime.log().Begin(Opening(*context))),
        behaviour_(runtime.BehaviourOf(method_)) {
    EchoMetadata();
    if (behaviour_.kind == Kind::kDeaf) {
      behaviour_.hold = true;
      runtime_.Hold(*this);
    } else {
      StartRead(&message_);
    }
  }

  const std::string& method() const override { return method_; }

  void OnReadDone(bool ok) override {
    if (ok) {
      Note();
      if (behaviour_.kind == Kind::kEcho && behaviour_.status.ok()) return StartWrite(&message_);
      if (behaviour_.kind == Kind::kCount) return StartRead(&message_);
    } else {
      if (behaviour_.kind == Kind::kEcho) return End(grpc::Status::OK);
      if (behaviour_.kind != Kind::kCount) return End({grpc::StatusCode::INTERNAL, "no request message"});
    }
    if (behaviour_.kind == Kind::kCri) behaviour_ = runtime_.BehaviourOf(method_, request_);
    WaitThenAnswer();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(grpc::Status::CANCELLED);
    if (behaviour_.kind == Kind::kEcho) return StartRead(&message_);
    ++written_;
    WriteNext();
  }

  void OnCancel() override {
    runtime_.log().Update(record_, [](Record& record) { record.cancelled_ns = Now(); });
    if (runtime_.Forget(*this)) End(grpc::Status::CANCELLED);
  }

  void OnDone() override { delete this; }

  void Proceed() override {
    if (behaviour_.delay.count() == 0) return Answer();
    alarm_.Set(std::chrono::system_clock::now() + behaviour_.delay, [this](bool) { Answer(); });
  }

 private:
  void EchoMetadata() {
    for (const auto& [name, value] : context_.client_metadata()) {
      const std::string key(name.data(), name.size());
      const std::string text(value.data(), value.size());
      if (key.starts_with(kEchoInitial)) context_.AddInitialMetadata(key, text);
      if (key.starts_with(kEchoTrailing)) context_.AddTrailingMetadata(key, text);
      if (key == "echo-compress" && text == "gzip") context_.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    }
    for (const auto& [key, value] : behaviour_.trailers) context_.AddTrailingMetadata(key, value);
  }

  // Takes account of message_, which has just arrived.
  void Note() {
    if (messages_++ == 0) {
      request_ = Flattened(message_, behaviour_.kind == Kind::kCri ? std::string::npos : kRecordedBytes);
    }
    bytes_ += int64_t(message_.Length());
    runtime_.log().Update(record_, [&](Record& record) {
      record.messages = messages_;
      record.bytes = bytes_;
      if (messages_ == 1) record.request = request_.substr(0, kRecordedBytes);
    });
  }

  void WaitThenAnswer() {
    if (behaviour_.crash) _exit(1);
    if (!behaviour_.hold) return Proceed();
    runtime_.Hold(*this);
    // A cancel from before Hold found nothing to end.
    if (context_.IsCancelled() && runtime_.Forget(*this)) End(grpc::Status::CANCELLED);
  }

  void Answer() {
    if (behaviour_.kind == Kind::kStream) {
      answer_.status = behaviour_.status;
      answer_.messages.assign(1, std::string(behaviour_.size, 'x'));
      to_write_ = behaviour_.messages;
    } else if (behaviour_.kind == Kind::kReply) {
      answer_ = {behaviour_.status, behaviour_.replies};
      to_write_ = int(answer_.messages.size());
    } else if (!behaviour_.status.ok() || behaviour_.kind == Kind::kDeaf) {
      answer_.status = behaviour_.status;
    } else if (behaviour_.kind == Kind::kCount) {
      answer_.messages.assign(1, nlohmann::json{{"messages", messages_}, {"bytes", bytes_}}.dump());
      to_write_ = 1;
    } else {
      answer_ = runtime_.AnswerTo(method_, request_, behaviour_);
      to_write_ = int(answer_.messages.size());
    }
    WriteNext();
  }

  void WriteNext() {
    if (written_ == to_write_) return End(answer_.status);
    message_ = ToBuffer(answer_.messages[std::min(size_t(written_), answer_.messages.size() - 1)]);
    StartWrite(&message_);
  }

  void End(const grpc::Status& status) {
    runtime_.log().Update(record_, [&](Record& record) {
      record.finished_ns = Now();
      record.code = status.error_code();
    });
    Finish(status);
  }

  Runtime& runtime_;
  grpc::GenericCallbackServerContext& context_;
  const std::string method_;
  const int64_t record_;
  Behaviour behaviour_;

  grpc::ByteBuffer message_;
  std::string request_;
  int64_t messages_ = 0;
  int64_t bytes_ = 0;

  fake_runtime::Answer answer_;
  int written_ = 0;
  int to_write_ = 0;
  grpc::Alarm alarm_;
};

}  // namespace

grpc::ServerGenericBidiReactor* Service::CreateReactor(grpc::GenericCallbackServerContext* context) {
  return new Call(runtime_, context);
}

}  // namespace fake_runtime
