#include "http/ca_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace shim::http {
namespace {

namespace fs = std::filesystem;

class CaStoreTest : public ::testing::Test {
 protected:
  CaStoreTest() {
    std::string pattern = ::testing::TempDir() + "ca_store_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~CaStoreTest() override { fs::remove_all(root_); }

  void add(const std::string& path) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << "certificates";
  }

  std::string root_;
};

TEST_F(CaStoreTest, DebiansHashedDirectoryIsUsedAlone) {
  add("/etc/ssl/certs/ca-certificates.crt");
  add("/etc/ssl/certs/5ad8a5d6.0");

  const CaStore store = ca_store_below(root_);

  EXPECT_EQ(store.directory, root_ + "/etc/ssl/certs");
  EXPECT_EQ(store.file, "");
}

TEST_F(CaStoreTest, BundleIsUsedWhereTheDirectoryIsNotHashed) {
  add("/etc/ssl/certs/ca-certificates.crt");

  const CaStore store = ca_store_below(root_);

  EXPECT_EQ(store.directory, "");
  EXPECT_EQ(store.file, root_ + "/etc/ssl/certs/ca-certificates.crt");
}

TEST_F(CaStoreTest, BundleOfRedHatIsFound) {
  add("/etc/pki/tls/certs/ca-bundle.crt");

  EXPECT_EQ(ca_store_below(root_).file, root_ + "/etc/pki/tls/certs/ca-bundle.crt");
}

TEST_F(CaStoreTest, BundleOfSuseIsFound) {
  add("/etc/ssl/ca-bundle.pem");

  EXPECT_EQ(ca_store_below(root_).file, root_ + "/etc/ssl/ca-bundle.pem");
}

TEST_F(CaStoreTest, OneHashedCertificateBesideAnotherBundleDoesNotHideIt) {
  add("/etc/pki/tls/certs/ca-bundle.crt");
  add("/etc/ssl/certs/5ad8a5d6.0");

  const CaStore store = ca_store_below(root_);

  EXPECT_EQ(store.directory, root_ + "/etc/ssl/certs");
  EXPECT_EQ(store.file, root_ + "/etc/pki/tls/certs/ca-bundle.crt");
}

TEST_F(CaStoreTest, WithoutAnyDebiansBundleIsNamed) {
  EXPECT_EQ(ca_store_below(root_).file, root_ + "/etc/ssl/certs/ca-certificates.crt");
}

}  // namespace
}  // namespace shim::http
