// Command tfgen writes schema.json and bridge-metadata.json for the Docker plugin: `tfgen schema --out DIR`.
package main

import (
	"context"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"

	docker "github.com/terraform-providers/terraform-provider-docker/pulumi/provider"
)

func main() {
	tfgen.MainWithCustomGenerate(docker.Name, docker.RequireVersion(), docker.Info([]byte("{}")), generate)
}

// generate takes descriptions from the provider's own schema. Its documentation pages would only add prose for other
// languages; to find them the bridge runs `go mod download`, which fetches thousands of go.mod files, and to convert their
// examples it wants more plugins.
func generate(opts tfgen.GeneratorOptions) error {
	opts.SkipDocs = true
	opts.SkipExamples = true
	generator, err := tfgen.NewGenerator(opts)
	if err != nil {
		return err
	}
	_, err = generator.Generate(context.Background())
	return err
}
