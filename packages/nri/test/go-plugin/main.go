// A plugin on upstream's own stub. It writes what it is told as one line of JSON each, and does what
// its configuration says: adjust containers, fail, hang or end at an event.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"
	"google.golang.org/protobuf/encoding/protojson"
)

type config struct {
	// By event.
	Fail map[string]string `json:"fail"`
	Hang map[string]bool   `json:"hang"`
	End  map[string]bool   `json:"end"`
	// In protobuf's JSON.
	Adjust json.RawMessage `json:"adjust"`
	// Sent once, as soon as the plugin is synchronized.
	Update []json.RawMessage `json:"update"`
	Reject string            `json:"reject"`
}

type plugin struct {
	stub   stub.Stub
	config config
	lines  sync.Mutex
}

func (p *plugin) tell(event string, fields map[string]any) error {
	fields["event"] = event
	line, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	p.lines.Lock()
	fmt.Println(string(line))
	p.lines.Unlock()
	if p.config.End[event] {
		os.Exit(9)
	}
	if p.config.Hang[event] {
		time.Sleep(time.Hour)
	}
	if text := p.config.Fail[event]; text != "" {
		return errors.New(text)
	}
	return nil
}

func (p *plugin) pod(event string, pod *api.PodSandbox) error {
	return p.tell(event, map[string]any{"pod": pod.GetId(), "name": pod.GetName()})
}

func (p *plugin) container(event string, pod *api.PodSandbox, c *api.Container) error {
	return p.tell(event, map[string]any{
		"pod": pod.GetId(), "container": c.GetId(), "name": c.GetName(), "env": c.GetEnv(),
		"args": c.GetArgs(), "mounts": len(c.GetMounts()), "state": c.GetState().String(),
	})
}

func (p *plugin) Configure(_ context.Context, text, runtime, version string) (api.EventMask, error) {
	if text != "" {
		if err := json.Unmarshal([]byte(text), &p.config); err != nil {
			return 0, err
		}
	}
	return 0, p.tell("Configure", map[string]any{"runtime": runtime, "version": version})
}

func (p *plugin) Synchronize(_ context.Context, pods []*api.PodSandbox, containers []*api.Container) ([]*api.ContainerUpdate, error) {
	podIDs, ids := []string{}, []string{}
	for _, pod := range pods {
		podIDs = append(podIDs, pod.GetId())
	}
	for _, c := range containers {
		ids = append(ids, c.GetId())
	}
	err := p.tell("Synchronize", map[string]any{"pods": podIDs, "containers": ids})
	if len(p.config.Update) > 0 {
		updates := []*api.ContainerUpdate{}
		for _, text := range p.config.Update {
			update := &api.ContainerUpdate{}
			if err := protojson.Unmarshal(text, update); err != nil {
				return nil, err
			}
			updates = append(updates, update)
		}
		go func() {
			failed, err := p.stub.UpdateContainers(updates)
			p.tell("Updated", map[string]any{"failed": len(failed), "error": fmt.Sprint(err)})
		}()
	}
	return nil, err
}

func (p *plugin) Shutdown(context.Context) { p.tell("Shutdown", map[string]any{}) }

func (p *plugin) RunPodSandbox(_ context.Context, pod *api.PodSandbox) error {
	return p.pod("RunPodSandbox", pod)
}

func (p *plugin) UpdatePodSandbox(_ context.Context, pod *api.PodSandbox, _, _ *api.LinuxResources) error {
	return p.pod("UpdatePodSandbox", pod)
}

func (p *plugin) PostUpdatePodSandbox(_ context.Context, pod *api.PodSandbox) error {
	return p.pod("PostUpdatePodSandbox", pod)
}

func (p *plugin) StopPodSandbox(_ context.Context, pod *api.PodSandbox) error {
	return p.pod("StopPodSandbox", pod)
}

func (p *plugin) RemovePodSandbox(_ context.Context, pod *api.PodSandbox) error {
	return p.pod("RemovePodSandbox", pod)
}

func (p *plugin) CreateContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) (*api.ContainerAdjustment, []*api.ContainerUpdate, error) {
	err := p.container("CreateContainer", pod, c)
	if p.config.Adjust == nil {
		return nil, nil, err
	}
	adjust := &api.ContainerAdjustment{}
	if err := protojson.Unmarshal(p.config.Adjust, adjust); err != nil {
		return nil, nil, err
	}
	return adjust, nil, err
}

func (p *plugin) PostCreateContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	return p.container("PostCreateContainer", pod, c)
}

func (p *plugin) StartContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	return p.container("StartContainer", pod, c)
}

func (p *plugin) PostStartContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	return p.container("PostStartContainer", pod, c)
}

func (p *plugin) UpdateContainer(_ context.Context, pod *api.PodSandbox, c *api.Container, _ *api.LinuxResources) ([]*api.ContainerUpdate, error) {
	return nil, p.container("UpdateContainer", pod, c)
}

func (p *plugin) PostUpdateContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	return p.container("PostUpdateContainer", pod, c)
}

func (p *plugin) StopContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) ([]*api.ContainerUpdate, error) {
	return nil, p.container("StopContainer", pod, c)
}

func (p *plugin) RemoveContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	return p.container("RemoveContainer", pod, c)
}

func (p *plugin) ValidateContainerAdjustment(_ context.Context, req *api.ValidateContainerAdjustmentRequest) error {
	fields := map[string]any{"container": req.GetContainer().GetId(), "owners": req.GetOwners().String()}
	if err := p.tell("ValidateContainerAdjustment", fields); err != nil {
		return err
	}
	if p.config.Reject != "" {
		return errors.New(p.config.Reject)
	}
	return nil
}

func main() {
	name := flag.String("name", "", "name to register with, when not launched by a runtime")
	idx := flag.String("idx", "", "index to register with")
	socket := flag.String("socket", "", "socket of the runtime")
	text := flag.String("config", "", "configuration, when not launched by a runtime")
	flag.Parse()
	p := &plugin{}
	options := []stub.Option{stub.WithOnClose(func() { os.Exit(0) })}
	if *name != "" {
		options = append(options, stub.WithPluginName(*name), stub.WithPluginIdx(*idx), stub.WithSocketPath(*socket))
	}
	if *text != "" {
		if err := json.Unmarshal([]byte(*text), &p.config); err != nil {
			panic(err)
		}
	}
	var err error
	if p.stub, err = stub.New(p, options...); err != nil {
		panic(err)
	}
	if err := p.stub.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
