// What CRI-O and Docker have to be told. Their settings of registries are in files of well-known places.
#pragma once

#include <string>

#include "runtimes/advice.h"

namespace shim::runtimes {

struct CriOPlaces {
  std::string registries = "/etc/containers/registries.conf";
  std::string drop_ins = "/etc/containers/registries.conf.d";
  std::string certificates = "/etc/containers/certs.d";
};
struct DockerPlaces {
  std::string daemon = "/etc/docker/daemon.json";
  std::string certificates = "/etc/docker/certs.d";
};

// As advise(). Whether the runtime reads these files is not known, so that nothing is more than unsure.
Advice advise_cri_o(const Registry& registry, const CriOPlaces& places);
Advice advise_docker(const Registry& registry, const DockerPlaces& places);

}  // namespace shim::runtimes
