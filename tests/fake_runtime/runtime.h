// The runtime's state and its answers; what arrives and leaves on the wire is call.h's.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "behaviour.h"
#include "call_log.h"
#include "image_store.h"

namespace fake_runtime {

// A call that waits for `Release`.
class Held {
 public:
  virtual ~Held() = default;
  virtual const std::string& method() const = 0;
  virtual void Proceed() = 0;
};

struct Answer {
  grpc::Status status;
  std::vector<std::string> messages;  // serialised; one for a unary call
};

// What the runtime says that it is.
struct Identity {
  std::string name = "fake-runtime";
  std::string version = "1.2.3";
  std::map<std::string, std::string> info;  // of a verbose Status; without any, that method is not there
};

// Thread-safe.
class Runtime {
 public:
  struct Options {
    std::set<std::string> versions;  // of "v1", "v1alpha2"
    std::set<std::string> services;  // of "ImageService", "RuntimeService"
    std::set<std::string> without;   // of those, "v1.ImageService" or, a method alone, "v1.ImageService/ImageFsInfo"
  };

  explicit Runtime(Options options) : options_(std::move(options)) {}

  CallLog& log() { return log_; }

  // What a test set for the method; kCri else.
  Behaviour BehaviourOf(const std::string& method) const;

  // For a kCri call whose request is known: PullImage has a behaviour for each name.
  Behaviour BehaviourOf(const std::string& method, const std::string& request);

  // The CRI answer to a request, with its effect on the images.
  Answer AnswerTo(const std::string& method, const std::string& request, const Behaviour& behaviour);

  void Hold(Held& call);
  // False when it was not, or no more, waiting.
  bool Forget(Held& call);
  // Lets all waiting calls of the method (any, if empty) go on; returns their number.
  int Release(const std::string& method);

  void SetBehaviour(const std::string& method, const Behaviour& behaviour);
  // The last one counts for all later pulls. A name without any is NOT_FOUND.
  void SetPulls(const std::string& name, std::deque<Behaviour> outcomes);
  void SetIdentity(Identity identity);
  void SetImages(std::vector<cri::Image> images);
  std::vector<cri::Image> Images() const;

 private:
  bool Serves(std::string_view version, std::string_view service) const;
  bool Lacks(std::string_view version, std::string_view service_or_method) const;

  const Options options_;
  CallLog log_;

  mutable std::mutex mutex_;  // guards all below
  Identity identity_;
  ImageStore images_;
  std::map<std::string, Behaviour> behaviours_;         // by method
  std::map<std::string, std::deque<Behaviour>> pulls_;  // by image name, as it was asked for
  std::set<Held*> held_;
  int containers_ = 0;
};

}  // namespace fake_runtime
