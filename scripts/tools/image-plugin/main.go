// An image service that speaks CRI v1 and nothing else of CRI, in front of a runtime's: the one that
// stargz-snapshotter puts before containerd to learn of credentials.
//
//	image-plugin SOCKET RUNTIME
package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/containerd/stargz-snapshotter/service/keychain/cri"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func serve(socket, runtimeSocket string) error {
	connect := func() (runtime.ImageServiceClient, error) {
		connection, err := grpc.NewClient("unix://"+runtimeSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		return runtime.NewImageServiceClient(connection), nil
	}
	_, service := cri.NewCRIKeychain(context.Background(), connect)
	server := grpc.NewServer()
	runtime.RegisterImageServiceServer(server, service)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	return server.Serve(listener)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: image-plugin SOCKET RUNTIME")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "image-plugin:", err)
		os.Exit(1)
	}
}
