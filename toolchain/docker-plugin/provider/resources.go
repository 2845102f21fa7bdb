package docker

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// token is docker:index/<name with a small first letter>:<name>.
func token(name string) string {
	return Name + ":index/" + strings.ToLower(name[:1]) + name[1:] + ":" + name
}

func resource(name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tokens.Type(token(name))}
}

func function(name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(token(name))}
}

// named keeps a property's own name where the bridge would make a plural of it.
func named(name string) *tfbridge.SchemaInfo { return &tfbridge.SchemaInfo{Name: name} }

func resources() map[string]*tfbridge.ResourceInfo {
	container := resource("Container")
	container.DeleteBeforeReplace = true // its name and published ports can be held once only
	container.Fields = map[string]*tfbridge.SchemaInfo{
		"command":           named("command"),
		"networks_advanced": named("networksAdvanced"),
	}
	image := resource("RemoteImage")
	image.Fields = map[string]*tfbridge.SchemaInfo{"name": named("name")} // an image reference: never generated

	return map[string]*tfbridge.ResourceInfo{
		"docker_buildx_builder": resource("BuildxBuilder"),
		"docker_config":         resource("ServiceConfig"),
		"docker_container":      container,
		"docker_image":          image,
		"docker_network":        resource("Network"),
		"docker_plugin":         resource("Plugin"),
		"docker_registry_image": resource("RegistryImage"),
		"docker_secret":         resource("Secret"),
		"docker_service":        resource("Service"),
		"docker_tag":            resource("Tag"),
		"docker_volume":         resource("Volume"),
	}
}

func dataSources() map[string]*tfbridge.DataSourceInfo {
	return map[string]*tfbridge.DataSourceInfo{
		"docker_image":                    function("getRemoteImage"),
		"docker_logs":                     function("getLogs"),
		"docker_network":                  function("getNetwork"),
		"docker_plugin":                   function("getPlugin"),
		"docker_registry_image":           function("getRegistryImage"),
		"docker_registry_image_manifests": function("getRegistryImageManifests"),
	}
}
