// crictl's commands over CRI v1alpha2, which the releases of crictl that can still be built have left behind: the client
// that kubelet 1.22 was built with (k8s.io/cri-api 0.22, grpc-go 1.38, and its dialer, which sends the socket's path as
// `:authority`), with crictl's arguments and its JSON. Commands and options that it lacks end with exit status 64.
//
//	CONTAINER_RUNTIME_ENDPOINT=unix:///SOCKET crictl [--timeout DURATION] COMMAND [OPTION...] [ARGUMENT...]
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/gogo/protobuf/jsonpb"
	"github.com/gogo/protobuf/proto"
	"google.golang.org/grpc"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1alpha2"
)

const (
	maxMessageBytes = 16 * 1024 * 1024 // kubelet's
	exitLacking     = 64
)

var release string // of k8s.io/cri-api

type client struct {
	ctx     context.Context
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
}

// command has the options that one invocation gave. Each command declares its own; `output` is accepted everywhere.
type command struct {
	*flag.FlagSet
	client
	output string
}

type run func(c *command, arguments []string) error

var commands = map[string]run{
	"version":               version,
	"info":                  info,
	"update-runtime-config": updateRuntimeConfig,
	"pull":                  pull,
	"images":                images,
	"inspecti":              inspectImages,
	"imagefsinfo":           imageFsInfo,
	"rmi":                   removeImages,
	"runp":                  runPod,
	"pods":                  pods,
	"inspectp":              inspectPods,
	"stopp":                 stopPods,
	"rmp":                   removePods,
	"port-forward":          portForward,
	"create":                create,
	"start":                 start,
	"ps":                    containers,
	"inspect":               inspectContainers,
	"stats":                 stats,
	"update":                update,
	"exec":                  execute,
	"attach":                attach,
	"logs":                  reopenLog,
	"stop":                  stop,
	"rm":                    removeContainers,
}

var errLacking = errors.New("this client does not have it")

// parse reads the options, which crictl allows only before the arguments.
func (c *command) parse(arguments []string) ([]string, error) {
	if err := c.Parse(arguments); err != nil {
		return nil, fmt.Errorf("%w: %v", errLacking, err)
	}
	return c.Args(), nil
}

func show(message proto.Message) error {
	marshaler := jsonpb.Marshaler{EmitDefaults: true, Indent: "  "}
	text, err := marshaler.MarshalToString(message)
	if err == nil {
		fmt.Println(text)
	}
	return err
}

// showVerbose prints what the runtime says beside the status, which is JSON in text, as JSON.
func showVerbose(status proto.Message, verbose map[string]string) error {
	text, err := (&jsonpb.Marshaler{EmitDefaults: true}).MarshalToString(status)
	if err != nil {
		return err
	}
	shown := map[string]interface{}{"status": json.RawMessage(text)}
	details := map[string]interface{}{}
	for name, value := range verbose {
		var parsed interface{}
		if json.Unmarshal([]byte(value), &parsed) != nil {
			parsed = value
		}
		details[name] = parsed
	}
	shown["info"] = details
	indented, err := json.MarshalIndent(shown, "", "  ")
	if err == nil {
		fmt.Println(string(indented))
	}
	return err
}

func load(file string, message interface{}) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, message)
}

func version(c *command, arguments []string) error {
	if _, err := c.parse(arguments); err != nil {
		return err
	}
	answer, err := c.runtime.Version(c.ctx, &cri.VersionRequest{Version: "v1alpha2"})
	if err != nil {
		return err
	}
	fmt.Printf("Version:  %s\nRuntimeName:  %s\nRuntimeVersion:  %s\nRuntimeApiVersion:  %s\n",
		answer.Version, answer.RuntimeName, answer.RuntimeVersion, answer.RuntimeApiVersion)
	return nil
}

func info(c *command, arguments []string) error {
	if _, err := c.parse(arguments); err != nil {
		return err
	}
	answer, err := c.runtime.Status(c.ctx, &cri.StatusRequest{Verbose: true})
	if err != nil {
		return err
	}
	return showVerbose(answer.Status, answer.Info)
}

func updateRuntimeConfig(c *command, arguments []string) error {
	subnet := c.String("pod-cidr", "", "")
	if _, err := c.parse(arguments); err != nil {
		return err
	}
	network := &cri.NetworkConfig{PodCidr: *subnet}
	_, err := c.runtime.UpdateRuntimeConfig(c.ctx, &cri.UpdateRuntimeConfigRequest{
		RuntimeConfig: &cri.RuntimeConfig{NetworkConfig: network},
	})
	return err
}

// credentials are those of `USERNAME[:PASSWORD]`, or of the same in base64.
func credentials(plain, encoded string) (*cri.AuthConfig, error) {
	if encoded != "" {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, err
		}
		plain = string(decoded)
	}
	if plain == "" {
		return nil, nil
	}
	pair := append(strings.SplitN(plain, ":", 2), "")
	return &cri.AuthConfig{Username: pair[0], Password: pair[1]}, nil
}

func pull(c *command, arguments []string) error {
	plain, encoded := c.String("creds", "", ""), c.String("auth", "", "")
	arguments, err := c.parse(arguments)
	if err != nil {
		return err
	}
	auth, err := credentials(*plain, *encoded)
	if err != nil {
		return err
	}
	answer, err := c.images.PullImage(c.ctx, &cri.PullImageRequest{Image: &cri.ImageSpec{Image: arguments[0]}, Auth: auth})
	if err != nil {
		return err
	}
	fmt.Printf("Image is up to date for %s\n", answer.ImageRef)
	return nil
}

func images(c *command, arguments []string) error {
	arguments, err := c.parse(arguments)
	if err != nil {
		return err
	}
	request := &cri.ListImagesRequest{}
	if len(arguments) > 0 {
		request.Filter = &cri.ImageFilter{Image: &cri.ImageSpec{Image: arguments[0]}}
	}
	answer, err := c.images.ListImages(c.ctx, request)
	if err != nil {
		return err
	}
	return show(answer)
}

func (c *command) imageStatus(name string) (*cri.ImageStatusResponse, error) {
	request := &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: name}, Verbose: true}
	answer, err := c.images.ImageStatus(c.ctx, request)
	if err == nil && answer.Image == nil {
		return nil, fmt.Errorf("no such image %q present", name)
	}
	return answer, err
}

func inspectImages(c *command, arguments []string) error {
	return each(c, arguments, func(name string) error {
		answer, err := c.imageStatus(name)
		if err != nil {
			return err
		}
		return showVerbose(answer.Image, answer.Info)
	})
}

func imageFsInfo(c *command, arguments []string) error {
	if _, err := c.parse(arguments); err != nil {
		return err
	}
	answer, err := c.images.ImageFsInfo(c.ctx, &cri.ImageFsInfoRequest{})
	if err != nil {
		return err
	}
	return show(answer)
}

func removeImages(c *command, arguments []string) error {
	return each(c, arguments, func(name string) error {
		if _, err := c.imageStatus(name); err != nil {
			return err
		}
		_, err := c.images.RemoveImage(c.ctx, &cri.RemoveImageRequest{Image: &cri.ImageSpec{Image: name}})
		return err
	})
}

func each(c *command, arguments []string, action func(string) error) error {
	arguments, err := c.parse(arguments)
	if err != nil {
		return err
	}
	for _, argument := range arguments {
		if err := action(argument); err != nil {
			return err
		}
	}
	return nil
}

// dial is the dialer of kubelets up to 1.25: grpc-go takes the socket's path for the authority.
func dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", address)
}

func call(arguments []string) error {
	seconds := time.Minute
	options := flag.NewFlagSet("crictl", flag.ContinueOnError)
	options.DurationVar(&seconds, "timeout", seconds, "")
	showsRelease := options.Bool("version", false, "")
	if err := options.Parse(arguments); err != nil {
		return err
	}
	if *showsRelease {
		fmt.Println("crictl version v1alpha2, k8s.io/cri-api", release)
		return nil
	}
	action := commands[options.Arg(0)]
	if action == nil {
		return fmt.Errorf("%w: %s", errLacking, options.Arg(0))
	}
	socket := strings.TrimPrefix(os.Getenv("CONTAINER_RUNTIME_ENDPOINT"), "unix://")
	interrupted, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	ctx, cancel := context.WithTimeout(interrupted, seconds)
	defer cancel()
	connection, err := grpc.DialContext(ctx, socket, grpc.WithInsecure(), grpc.WithContextDialer(dial),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)))
	if err != nil {
		return err
	}
	defer connection.Close()
	c := &command{
		FlagSet: flag.NewFlagSet(options.Arg(0), flag.ContinueOnError),
		client:  client{ctx, cri.NewRuntimeServiceClient(connection), cri.NewImageServiceClient(connection)},
	}
	c.StringVar(&c.output, "output", "json", "")
	return action(c, options.Args()[1:])
}

func main() {
	err := call(os.Args[1:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errLacking) {
		os.Exit(exitLacking)
	}
	os.Exit(1)
}
