# The .deb: a tree that scripts/package has put together (with scripts/install, as `make install` does), packed by CPack.
# Nothing is installed from CMake's own rules, so that there is one list of what goes where.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME image-cri-shim)
set(CPACK_PACKAGE_VENDOR "image-cri-shim")
set(CPACK_PACKAGE_CONTACT "image-cri-shim developers <image-cri-shim@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "images of Kubernetes nodes from private and offline registries")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"A daemon between the kubelet and the container runtime. It finds which of the
configured registries has an image, and lets the runtime pull it from there;
pods keep the names that they have.
.
Installing it changes nothing on the node until the kubelet is pointed at its
socket, with: image-cri-shim kubelet enable")

set(CPACK_INSTALL_CMAKE_PROJECTS "")  # the tree: cpack -D CPACK_INSTALLED_DIRECTORIES="TREE;."
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # which libraries, and from which version on
# deb-systemd-helper and deb-systemd-invoke, which the maintainer scripts call.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_ENHANCES "containerd, cri-o, kubelet")
set(debian ${PROJECT_SOURCE_DIR}/packaging/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if(CMAKE_CROSSCOMPILING)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${ICS_DEBIAN_ARCHITECTURE})  # else the machine's own, by dpkg
endif()

include(CPack)
