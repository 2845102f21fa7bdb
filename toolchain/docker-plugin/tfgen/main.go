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

// generate takes descriptions from the provider's own schema: its documentation pages would only add prose for other
// languages, and converting their examples needs plugins that a build must not download.
func generate(opts tfgen.GeneratorOptions) error {
	opts.XInMemoryDocs = true
	opts.SkipExamples = true
	generator, err := tfgen.NewGenerator(opts)
	if err != nil {
		return err
	}
	_, err = generator.Generate(context.Background())
	return err
}
