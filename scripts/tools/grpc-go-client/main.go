// grpc-go-client calls one method on a unix socket as kubelets up to 1.25 do: grpc-go 1.38 with a dialer of the
// caller's own, which sends the socket's path as `:authority`.
//
//	grpc-go-client SOCKET /package.Service/Method REQUEST
//	grpc-go-client --load SOCKET RATE /package.Service/Method=REQUEST...
//
// REQUEST is the message in hex. The outcome is one line of JSON: {"code", "message", "response"}, the response in hex;
// of a load, which ends with the standard input, {"calls", "codes", "messages", "longestMs"}. The exit status is 0
// whenever there is an outcome, whatever its code.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// rawCodec passes messages as the bytes that they are.
type rawCodec struct{}

func (rawCodec) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// Name keeps the content-type at application/grpc+proto, which is what a generated client sends.
func (rawCodec) Name() string { return "proto" }

type outcome struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Response string `json:"response"`
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", address)
}

func call(ctx context.Context, socket, method string, request []byte) (outcome, error) {
	connection, err := grpc.DialContext(ctx, socket, grpc.WithInsecure(), grpc.WithContextDialer(dial))
	if err != nil {
		return outcome{}, err
	}
	defer connection.Close()

	var response []byte
	err = connection.Invoke(ctx, method, &request, &response, grpc.ForceCodec(rawCodec{}))
	answer := status.Convert(err)
	return outcome{answer.Code().String(), answer.Message(), hex.EncodeToString(response)}, nil
}

func run(arguments []string) error {
	if len(arguments) > 0 && arguments[0] == "--load" {
		return runLoad(arguments[1:])
	}
	if len(arguments) != 3 {
		return fmt.Errorf("usage: grpc-go-client SOCKET /package.Service/Method REQUEST-IN-HEX")
	}
	request, err := hex.DecodeString(arguments[2])
	if err != nil {
		return fmt.Errorf("the request is not hex: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	result, err := call(ctx, arguments[0], arguments[1], request)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "grpc-go-client:", err)
		os.Exit(2)
	}
}
