// For the tests of this folder: answers of real runtimes, and files in a folder that goes with the test.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/temporary_file.h"
#include "image/address.h"
#include "runtimes/advice.h"

namespace shim::runtimes::testing {

class Folder {
 public:
  Folder() {
    std::string path = (std::filesystem::temp_directory_path() / "ics-XXXXXX").string();
    if (::mkdtemp(path.data()) != nullptr) path_ = path;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string path(std::string_view name = {}) const { return name.empty() ? path_ : path_ + "/" + std::string(name); }
  void write(std::string_view name, std::string_view content) const {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }

 private:
  std::string path_;
};

inline Registry registry(std::string_view address, http::TlsOptions tls = {}) {
  return {.address = image::Address::parse(address).value(), .tls = std::move(tls)};
}

// `info["config"]` of containerd 1.6.20 with a config_path and a sandbox image.
inline constexpr std::
    string_view
        kContainerd16 = R"({"cni":{"binDir":"/usr/lib/cni","confDir":"/run/containerd/cni","confTemplate":"","ipPref":"","maxConfNum":1},"containerd":{"defaultRuntime":{"ContainerAnnotations":null,"PodAnnotations":null,"baseRuntimeSpec":"","cniConfDir":"","cniMaxConfNum":0,"options":null,"privileged_without_host_devices":false,"runtimeEngine":"","runtimePath":"","runtimeRoot":"","runtimeType":""},"defaultRuntimeName":"runc","disableSnapshotAnnotations":true,"discardUnpackedLayers":false,"ignoreRdtNotEnabledErrors":false,"noPivot":false,"runtimes":{"runc":{"ContainerAnnotations":null,"PodAnnotations":null,"baseRuntimeSpec":"","cniConfDir":"","cniMaxConfNum":0,"options":{"Root":"/run/containerd/runc","SystemdCgroup":false},"privileged_without_host_devices":false,"runtimeEngine":"","runtimePath":"","runtimeRoot":"","runtimeType":"io.containerd.runc.v2"}},"snapshotter":"overlayfs","untrustedWorkloadRuntime":{"ContainerAnnotations":null,"PodAnnotations":null,"baseRuntimeSpec":"","cniConfDir":"","cniMaxConfNum":0,"options":null,"privileged_without_host_devices":false,"runtimeEngine":"","runtimePath":"","runtimeRoot":"","runtimeType":""}},"containerdEndpoint":"/run/containerd.sock","containerdRootDir":"/run/containerd/root","device_ownership_from_security_context":false,"disableApparmor":false,"disableCgroup":false,"disableHugetlbController":true,"disableProcMount":false,"disableTCPService":true,"enableSelinux":false,"enableTLSStreaming":false,"enableUnprivilegedICMP":false,"enableUnprivilegedPorts":false,"ignoreImageDefinedVolumes":false,"imageDecryption":{"keyModel":"node"},"maxConcurrentDownloads":3,"maxContainerLogSize":16384,"netnsMountsUnderStateDir":false,"registry":{"auths":null,"configPath":"/etc/containerd/certs.d","configs":null,"headers":null,"mirrors":null},"restrictOOMScoreAdj":true,"rootDir":"/run/containerd/root/io.containerd.grpc.v1.cri","sandboxImage":"registry.k8s.io/pause:3.6","selinuxCategoryRange":1024,"stateDir":"/run/containerd/state/io.containerd.grpc.v1.cri","statsCollectPeriod":10,"streamIdleTimeout":"4h0m0s","streamServerAddress":"127.0.0.1","streamServerPort":"0","systemdCgroup":false,"tolerateMissingHugetlbController":true,"unsetSeccompProfile":"","x509KeyPairStreaming":{"tlsCertFile":"","tlsKeyFile":""}})";

// The same of containerd 2.1.4, configured alike: neither of the two is in it.
inline constexpr std::string_view kContainerd21 =
    R"({"cdiSpecDirs":["/etc/cdi","/var/run/cdi"],"cni":{"binDir":"","binDirs":["/usr/lib/cni"],"confDir":"/run/containerd/cni","confTemplate":"","ipPref":"","maxConfNum":1,"setupSerially":false,"useInternalLoopback":false},"containerd":{"defaultRuntimeName":"runc","ignoreBlockIONotEnabledErrors":false,"ignoreRdtNotEnabledErrors":false,"runtimes":{"runc":{"ContainerAnnotations":null,"PodAnnotations":null,"baseRuntimeSpec":"","cgroupWritable":false,"cniConfDir":"","cniMaxConfNum":0,"io_type":"","options":{"BinaryName":"","CriuImagePath":"","CriuWorkPath":"","IoGid":0,"IoUid":0,"NoNewKeyring":false,"Root":"/run/containerd/runc","ShimCgroup":"","SystemdCgroup":false},"privileged_without_host_devices":false,"privileged_without_host_devices_all_devices_allowed":false,"runtimePath":"","runtimeType":"io.containerd.runc.v2","sandboxer":"podsandbox","snapshotter":""}}},"containerdEndpoint":"/run/containerd.sock","containerdRootDir":"/run/containerd/root","device_ownership_from_security_context":false,"disableApparmor":false,"disableHugetlbController":true,"disableProcMount":false,"drainExecSyncIOTimeout":"0s","enableCDI":true,"enableSelinux":false,"enableUnprivilegedICMP":true,"enableUnprivilegedPorts":true,"ignoreDeprecationWarnings":null,"ignoreImageDefinedVolumes":false,"maxContainerLogLineSize":16384,"netnsMountsUnderStateDir":false,"restrictOOMScoreAdj":true,"rootDir":"/run/containerd/root/io.containerd.grpc.v1.cri","selinuxCategoryRange":1024,"stateDir":"/run/containerd/state/io.containerd.grpc.v1.cri","tolerateMissingHugetlbController":true,"unsetSeccompProfile":""})";

}  // namespace shim::runtimes::testing
