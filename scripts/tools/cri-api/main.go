// cri-api prints CRI as it was published, as one JSON object: for each release and package its methods, and the fields
// of its messages.
//
//	{"v0.22 runtime.v1": {"methods": [{"service", "method", "client_streaming", "server_streaming"}, …],
//	                      "messages": {"ImageSpec": {"1": {"name", "type", "label"}, …}, …}}, …}
//
// The descriptors are those that the generated Go code carries, which kubelets and runtimes are built with.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	firstv1 "first.cri-api/pkg/apis/runtime/v1"
	firstv1alpha2 "first.cri-api/pkg/apis/runtime/v1alpha2"
	newestv1 "k8s.io/cri-api/pkg/apis/runtime/v1"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

type method struct {
	Service         string `json:"service"`
	Method          string `json:"method"`
	ClientStreaming bool   `json:"client_streaming"`
	ServerStreaming bool   `json:"server_streaming"`
}

type field struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Label string `json:"label"`
}

type definition struct {
	Methods  []method                    `json:"methods"`
	Messages map[string]map[string]field `json:"messages"`
}

// descriptorOf unpacks what a generated message's Descriptor() gives: its whole file, compressed.
func descriptorOf(compressed []byte, _ []int) (*descriptorpb.FileDescriptorProto, error) {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	file := &descriptorpb.FileDescriptorProto{}
	return file, proto.Unmarshal(raw, file)
}

// typeOf is `string`, `uint64`, or a message's or enumeration's name within the package.
func typeOf(of *descriptorpb.FieldDescriptorProto, prefix string) string {
	if name := of.GetTypeName(); name != "" {
		return strings.TrimPrefix(name, prefix)
	}
	return strings.ToLower(strings.TrimPrefix(of.GetType().String(), "TYPE_"))
}

func addMessages(to map[string]map[string]field, messages []*descriptorpb.DescriptorProto, outer, prefix string) {
	for _, message := range messages {
		name := outer + message.GetName()
		fields := map[string]field{}
		for _, each := range message.GetField() {
			fields[strconv.Itoa(int(each.GetNumber()))] = field{
				Name:  each.GetName(),
				Type:  typeOf(each, prefix),
				Label: strings.ToLower(strings.TrimPrefix(each.GetLabel().String(), "LABEL_")),
			}
		}
		to[name] = fields
		addMessages(to, message.GetNestedType(), name+".", prefix)
	}
}

func definitionOf(file *descriptorpb.FileDescriptorProto) definition {
	result := definition{Messages: map[string]map[string]field{}}
	for _, service := range file.GetService() {
		for _, each := range service.GetMethod() {
			result.Methods = append(result.Methods,
				method{service.GetName(), each.GetName(), each.GetClientStreaming(), each.GetServerStreaming()})
		}
	}
	addMessages(result.Messages, file.GetMessageType(), "", "."+file.GetPackage()+".")
	return result
}

func run() error {
	result := map[string]definition{}
	for _, published := range []struct {
		release    string
		descriptor func() ([]byte, []int)
	}{
		{"v0.22", (&firstv1alpha2.VersionRequest{}).Descriptor},
		{"v0.22", (&firstv1.VersionRequest{}).Descriptor},
		{"v0.36", (&newestv1.VersionRequest{}).Descriptor},
	} {
		file, err := descriptorOf(published.descriptor())
		if err != nil {
			return fmt.Errorf("%s: %w", published.release, err)
		}
		result[published.release+" "+file.GetPackage()] = definitionOf(file)
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cri-api:", err)
		os.Exit(1)
	}
}
