package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/status"
)

// As the kubelet's (k8s.io/cri-client): a connection attempt has 5 s at least, and the next one comes within 3 s.
var kubeletParams = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, MaxDelay: 3 * time.Second},
	MinConnectTimeout: 5 * time.Second,
}

type tally struct {
	mutex     sync.Mutex
	Calls     int            `json:"calls"`
	Codes     map[string]int `json:"codes"`
	Messages  map[string]int `json:"messages"` // of the calls that failed
	LongestMs int64          `json:"longestMs"`
}

func (t *tally) count(err error, took time.Duration) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.Calls++
	t.Codes[status.Code(err).String()]++
	if err != nil {
		t.Messages[status.Convert(err).Message()]++
	}
	t.LongestMs = max(t.LongestMs, took.Milliseconds())
}

type job struct {
	method  string
	request []byte
}

// load calls the methods in turn, `rate` times a second, until its standard input ends; all over one channel.
func load(socket string, rate int, jobs []job) error {
	connection, err := grpc.Dial(socket, grpc.WithInsecure(), grpc.WithContextDialer(dial),
		grpc.WithConnectParams(kubeletParams))
	if err != nil {
		return err
	}
	defer connection.Close()

	stopped := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stopped)
	}()
	result := tally{Codes: map[string]int{}, Messages: map[string]int{}}
	var underway sync.WaitGroup
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	for number := 0; ; number++ {
		select {
		case <-stopped:
			underway.Wait()
			return json.NewEncoder(os.Stdout).Encode(&result)
		case <-ticker.C:
		}
		next := jobs[number%len(jobs)]
		underway.Add(1)
		go func() {
			defer underway.Done()
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			var response []byte
			began := time.Now()
			err := connection.Invoke(ctx, next.method, &next.request, &response, grpc.ForceCodec(rawCodec{}))
			result.count(err, time.Since(began))
		}()
	}
}

// runLoad reads SOCKET RATE METHOD=HEX...
func runLoad(arguments []string) error {
	if len(arguments) < 3 {
		return fmt.Errorf("usage: grpc-go-client --load SOCKET RATE /package.Service/Method=REQUEST-IN-HEX...")
	}
	rate, err := strconv.Atoi(arguments[1])
	if err != nil || rate < 1 {
		return fmt.Errorf("not a rate: %s", arguments[1])
	}
	var jobs []job
	for _, argument := range arguments[2:] {
		method, request, _ := strings.Cut(argument, "=")
		bytes, err := hex.DecodeString(request)
		if err != nil {
			return fmt.Errorf("the request is not hex: %w", err)
		}
		jobs = append(jobs, job{method, bytes})
	}
	return load(arguments[0], rate, jobs)
}
