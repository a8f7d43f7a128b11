// Command dra-driver is a driver of Dynamic Resource Allocation with one device, which there really is not:
// it gives containers an environment variable and a device node of another name for /dev/null, by CDI.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
)

const device = "one"

type driver struct{ name string }

func (d driver) cdiKind() string { return d.name + "/thing" }

// PrepareResourceClaims names the CDI device of whatever was allocated of this driver.
func (d driver) PrepareResourceClaims(_ context.Context, claims []*resourceapi.ResourceClaim) (map[types.UID]kubeletplugin.PrepareResult, error) {
	prepared := map[types.UID]kubeletplugin.PrepareResult{}
	for _, claim := range claims {
		var result kubeletplugin.PrepareResult
		for _, allocated := range claim.Status.Allocation.Devices.Results {
			if allocated.Driver != d.name {
				continue
			}
			result.Devices = append(result.Devices, kubeletplugin.Device{
				Requests:     []string{allocated.Request},
				PoolName:     allocated.Pool,
				DeviceName:   allocated.Device,
				CDIDeviceIDs: []string{d.cdiKind() + "=" + allocated.Device},
			})
		}
		prepared[claim.UID] = result
	}
	return prepared, nil
}

func (d driver) UnprepareResourceClaims(_ context.Context, claims []kubeletplugin.NamespacedObject) (map[types.UID]error, error) {
	done := map[types.UID]error{}
	for _, claim := range claims {
		done[claim.UID] = nil
	}
	return done, nil
}

func (driver) HandleError(_ context.Context, err error, msg string) { log.Print(msg, ": ", err) }

// WatchHealthStatus has nothing to tell: the device is always well.
func (driver) WatchHealthStatus(ctx context.Context, _ chan<- kubeletplugin.DeviceHealthReport) error {
	<-ctx.Done()
	return nil
}

// writeSpec tells the engine what the device is; the file is removed by the function that is returned.
func (d driver) writeSpec(folder string) (func(), error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	spec := map[string]any{
		"cdiVersion": "0.5.0",
		"kind":       d.cdiKind(),
		"devices": []any{map[string]any{
			"name": device,
			"containerEdits": map[string]any{
				"env":         []string{"GIVEN=by-dra"},
				"deviceNodes": []any{map[string]any{"path": "/dev/given", "hostPath": "/dev/null"}},
			},
		}},
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, d.name+".json")
	return func() { _ = os.Remove(file) }, os.WriteFile(file, text, 0o644)
}

func run(ctx context.Context) error {
	name := flag.String("driver", "", "the driver's name, a domain")
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	node := flag.String("node", "", "the node's name")
	kubelet := flag.String("kubelet", "", "the kubelet's folder")
	cdi := flag.String("cdi", "", "a folder where the engine looks for CDI devices")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	plugin := driver{*name}
	remove, err := plugin.writeSpec(*cdi)
	if err != nil {
		return err
	}
	defer remove()
	sockets := filepath.Join(*kubelet, "plugins", *name)
	if err := os.MkdirAll(sockets, 0o750); err != nil {
		return err
	}
	helper, err := kubeletplugin.Start(ctx, plugin,
		kubeletplugin.DriverName(*name),
		kubeletplugin.KubeClient(client),
		kubeletplugin.NodeName(*node),
		kubeletplugin.RegistrarDirectoryPath(filepath.Join(*kubelet, "plugins_registry")),
		kubeletplugin.PluginDataDirectoryPath(sockets),
	)
	if err != nil {
		return err
	}
	defer helper.Stop()
	pool := resourceslice.Pool{Slices: []resourceslice.Slice{{Devices: []resourceapi.Device{{Name: device}}}}}
	resources := resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{*node: pool}}
	if err := helper.PublishResources(ctx, resources); err != nil {
		return err
	}
	fmt.Println("serving")
	<-ctx.Done()
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}
