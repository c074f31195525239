package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1alpha2"
)

func runPod(c *command, arguments []string) error {
	return each(c, arguments, func(file string) error {
		config := &cri.PodSandboxConfig{}
		if err := load(file, config); err != nil {
			return err
		}
		answer, err := c.runtime.RunPodSandbox(c.ctx, &cri.RunPodSandboxRequest{Config: config})
		if err == nil {
			fmt.Println(answer.PodSandboxId)
		}
		return err
	})
}

func pods(c *command, arguments []string) error {
	if _, err := c.parse(arguments); err != nil {
		return err
	}
	answer, err := c.runtime.ListPodSandbox(c.ctx, &cri.ListPodSandboxRequest{})
	if err != nil {
		return err
	}
	return show(answer)
}

func inspectPods(c *command, arguments []string) error {
	return each(c, arguments, func(id string) error {
		request := &cri.PodSandboxStatusRequest{PodSandboxId: id, Verbose: true}
		answer, err := c.runtime.PodSandboxStatus(c.ctx, request)
		if err != nil {
			return err
		}
		return showVerbose(answer.Status, answer.Info)
	})
}

func stopPods(c *command, arguments []string) error {
	return each(c, arguments, func(id string) error {
		_, err := c.runtime.StopPodSandbox(c.ctx, &cri.StopPodSandboxRequest{PodSandboxId: id})
		return err
	})
}

func removePods(c *command, arguments []string) error {
	force := c.Bool("force", false, "")
	return each(c, arguments, func(id string) error {
		if *force {
			if _, err := c.runtime.StopPodSandbox(c.ctx, &cri.StopPodSandboxRequest{PodSandboxId: id}); err != nil {
				return err
			}
		}
		_, err := c.runtime.RemovePodSandbox(c.ctx, &cri.RemovePodSandboxRequest{PodSandboxId: id})
		return err
	})
}

func create(c *command, arguments []string) error {
	withPull := c.Bool("with-pull", false, "")
	c.Bool("no-pull", false, "")
	arguments, err := c.parse(arguments)
	if err != nil {
		return err
	}
	config, pod := &cri.ContainerConfig{}, &cri.PodSandboxConfig{}
	if err := load(arguments[1], config); err != nil {
		return err
	}
	if err := load(arguments[2], pod); err != nil {
		return err
	}
	if *withPull {
		request := &cri.PullImageRequest{Image: config.Image, SandboxConfig: pod}
		if _, err := c.images.PullImage(c.ctx, request); err != nil {
			return err
		}
	}
	request := &cri.CreateContainerRequest{PodSandboxId: arguments[0], Config: config, SandboxConfig: pod}
	answer, err := c.runtime.CreateContainer(c.ctx, request)
	if err == nil {
		fmt.Println(answer.ContainerId)
	}
	return err
}

func start(c *command, arguments []string) error {
	return each(c, arguments, func(id string) error {
		_, err := c.runtime.StartContainer(c.ctx, &cri.StartContainerRequest{ContainerId: id})
		return err
	})
}

func containers(c *command, arguments []string) error {
	all := c.Bool("all", false, "")
	if _, err := c.parse(arguments); err != nil {
		return err
	}
	filter := &cri.ContainerFilter{}
	if !*all {
		filter.State = &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING}
	}
	answer, err := c.runtime.ListContainers(c.ctx, &cri.ListContainersRequest{Filter: filter})
	if err != nil {
		return err
	}
	return show(answer)
}

func inspectContainers(c *command, arguments []string) error {
	return each(c, arguments, func(id string) error {
		request := &cri.ContainerStatusRequest{ContainerId: id, Verbose: true}
		answer, err := c.runtime.ContainerStatus(c.ctx, request)
		if err != nil {
			return err
		}
		return showVerbose(answer.Status, answer.Info)
	})
}

func stats(c *command, arguments []string) error {
	if _, err := c.parse(arguments); err != nil {
		return err
	}
	answer, err := c.runtime.ListContainerStats(c.ctx, &cri.ListContainerStatsRequest{})
	if err != nil {
		return err
	}
	return show(answer)
}

func update(c *command, arguments []string) error {
	shares := c.Int64("cpu-share", 0, "")
	return each(c, arguments, func(id string) error {
		resources := &cri.LinuxContainerResources{CpuShares: *shares}
		request := &cri.UpdateContainerResourcesRequest{ContainerId: id, Linux: resources}
		_, err := c.runtime.UpdateContainerResources(c.ctx, request)
		return err
	})
}

func stop(c *command, arguments []string) error {
	seconds := c.Int64("timeout", 0, "")
	return each(c, arguments, func(id string) error {
		_, err := c.runtime.StopContainer(c.ctx, &cri.StopContainerRequest{ContainerId: id, Timeout: *seconds})
		return err
	})
}

func removeContainers(c *command, arguments []string) error {
	return each(c, arguments, func(id string) error {
		// The runtime takes no offence at a container that is not there; crictl does.
		if _, err := c.runtime.ContainerStatus(c.ctx, &cri.ContainerStatusRequest{ContainerId: id}); err != nil {
			return err
		}
		_, err := c.runtime.RemoveContainer(c.ctx, &cri.RemoveContainerRequest{ContainerId: id})
		return err
	})
}

func reopenLog(c *command, arguments []string) error {
	reopen := c.Bool("reopen", false, "")
	return each(c, arguments, func(id string) error {
		if !*reopen {
			return fmt.Errorf("%w: only --reopen is a call to the runtime", errLacking)
		}
		_, err := c.runtime.ReopenContainerLog(c.ctx, &cri.ReopenContainerLogRequest{ContainerId: id})
		return err
	})
}

func execute(c *command, arguments []string) error {
	sync, stdin := c.Bool("sync", false, ""), c.Bool("i", false, "")
	arguments, err := c.parse(arguments)
	if err != nil {
		return err
	}
	if *sync {
		request := &cri.ExecSyncRequest{ContainerId: arguments[0], Cmd: arguments[1:], Timeout: int64(time.Minute.Seconds())}
		answer, err := c.runtime.ExecSync(c.ctx, request)
		if err != nil {
			return err
		}
		os.Stdout.Write(answer.Stdout)
		os.Stderr.Write(answer.Stderr)
		if answer.ExitCode != 0 {
			return fmt.Errorf("command terminated with exit code %d", answer.ExitCode)
		}
		return nil
	}
	answer, err := c.runtime.Exec(c.ctx, &cri.ExecRequest{
		ContainerId: arguments[0], Cmd: arguments[1:], Stdin: *stdin, Stdout: true, Stderr: true,
	})
	if err != nil {
		return err
	}
	return stream(answer.Url, *stdin)
}

func attach(c *command, arguments []string) error {
	stdin := c.Bool("i", false, "")
	arguments, err := c.parse(arguments)
	if err != nil {
		return err
	}
	answer, err := c.runtime.Attach(c.ctx, &cri.AttachRequest{
		ContainerId: arguments[0], Stdin: *stdin, Stdout: true, Stderr: true,
	})
	if err != nil {
		return err
	}
	return stream(answer.Url, *stdin)
}

// stream speaks to the runtime's streaming server, which the URL names.
func stream(address string, stdin bool) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return err
	}
	executor, err := remotecommand.NewSPDYExecutor(&rest.Config{}, http.MethodPost, parsed)
	if err != nil {
		return err
	}
	options := remotecommand.StreamOptions{Stdout: os.Stdout, Stderr: os.Stderr}
	if stdin {
		options.Stdin = os.Stdin
	}
	return executor.Stream(options)
}

// portForward runs until it is interrupted.
func portForward(c *command, arguments []string) error {
	arguments, err := c.parse(arguments)
	if err != nil {
		return err
	}
	answer, err := c.runtime.PortForward(c.ctx, &cri.PortForwardRequest{PodSandboxId: arguments[0]})
	if err != nil {
		return err
	}
	parsed, err := url.Parse(answer.Url)
	if err != nil {
		return err
	}
	transport, upgrader, err := spdy.RoundTripperFor(&rest.Config{})
	if err != nil {
		return err
	}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, parsed)
	forwarder, err := portforward.New(dialer, arguments[1:], c.ctx.Done(), make(chan struct{}), os.Stdout, os.Stderr)
	if err != nil {
		return err
	}
	return forwarder.ForwardPorts()
}
