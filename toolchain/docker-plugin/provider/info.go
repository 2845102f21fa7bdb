// Package docker describes the Docker plugin to the Pulumi Terraform bridge: the provider it wraps, and the Pulumi name of
// every resource, function and irregular property.
package docker

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// Name is the package name in every type token.
const Name = "docker"

// Docker caps no object's name; this is the cap the public SDK's plugin applies to generated names.
const maxGeneratedName = 255

const localSocket = "unix:///var/run/docker.sock"

// Version is the plugin's version, that of the public pulumi-docker SDK it serves. The linker sets it
// (-X github.com/terraform-providers/terraform-provider-docker/pulumi/provider.Version=…).
var Version string

// RequireVersion returns Version, and ends the program if the build did not set it: the Pulumi engine would look for
// another plugin each time.
func RequireVersion() string {
	if Version == "" {
		fmt.Fprintln(os.Stderr, "pulumi-resource-docker was built without a version: set it with -ldflags \"-X …/provider.Version=…\"")
		os.Exit(2)
	}
	return Version
}

// Info describes the provider to the bridge. metadata is the content of bridge-metadata.json, "{}" while generating it.
func Info(metadata []byte) tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:            shimv2.NewProvider(provider.New(Version)()),
		Name:         Name,
		Version:      Version,
		Description:  "Docker containers, images, networks and volumes",
		License:      "MPL-2.0",
		GitHubOrg:    "kreuzwerker",
		Config:       config(),
		Resources:    resources(),
		DataSources:  dataSources(),
		MetadataInfo: tfbridge.NewProviderMetadata(metadata),
	}
	info.SetAutonaming(maxGeneratedName, "-")
	return info
}

func config() map[string]*tfbridge.SchemaInfo {
	return map[string]*tfbridge.SchemaInfo{
		// Computed here, not declared as a value: the public SDK fills in only the environment variable.
		"host": {Default: &tfbridge.DefaultInfo{
			EnvVars: []string{"DOCKER_HOST"},
			ComputeDefault: func(context.Context, tfbridge.ComputeDefaultOptions) (any, error) {
				return localSocket, nil
			},
		}},
		"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
	}
}
