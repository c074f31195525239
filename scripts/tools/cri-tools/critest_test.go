// Package critest links the CRI validation specs of cri-tools into one test binary (`go test -c`), as the project's own
// cmd/critest does; a package of another module that consists of tests alone cannot be built from here.
package critest

import (
	"flag"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"sigs.k8s.io/cri-tools/pkg/framework"
	_ "sigs.k8s.io/cri-tools/pkg/validate"
)

func init() {
	framework.RegisterFlags()
}

func TestCRI(t *testing.T) {
	// The specs time the runtime under load only when asked to; the others say what is right.
	if err := flag.Set("ginkgo.skip", "benchmark"); err != nil {
		t.Fatal(err)
	}
	gomega.RegisterFailHandler(ginkgo.Fail)
	ginkgo.RunSpecs(t, "CRI validation")
}
