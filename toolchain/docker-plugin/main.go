// Command pulumi-resource-docker is the Pulumi plugin for Docker: the Pulumi Terraform bridge over the kreuzwerker Docker
// provider, with the type tokens of the public pulumi-docker SDK, which therefore works unchanged with it.
//
// Build it with toolchain/docker-plugin/tfgen first: that writes the two files embedded below.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	docker "github.com/terraform-providers/terraform-provider-docker/pulumi/provider"
)

//go:embed schema.json
var schema []byte

//go:embed bridge-metadata.json
var metadata []byte

func main() {
	tfbridge.Main(docker.Name, docker.RequireVersion(), docker.Info(metadata), schema)
}
