"""The provider plugin that Pulumi starts for `pointsman:index:…` resources."""
