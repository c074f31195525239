// The definitions of CRI as they were published: the first release with v1 (and v1alpha2), and the newest.
module image-cri-shim/tools/cri-api

go 1.26.0

require (
	first.cri-api v0.22.17
	google.golang.org/protobuf v1.36.12
	k8s.io/cri-api v0.36.0
)

require (
	github.com/gogo/protobuf v1.3.2 // indirect
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261012220534-4341edf3f941 // indirect
	google.golang.org/grpc v1.83.2 // indirect
)

replace first.cri-api => k8s.io/cri-api v0.22.17
