package commands

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot/cmd/salebot/internal/profiles"
)

// exampleProfiles shows a file with profiles.
const exampleProfiles = `default: shop
profiles:
  shop:
    key: the API key
    time_zone: Europe/Moscow
  test:
    key: another API key
    base_url: http://127.0.0.1:8085/api`

func (a *app) profiles() *cobra.Command {
	var out output
	command := &cobra.Command{
		Use:   "profiles",
		Short: "List the projects of the settings file",
		Long: `Lists the projects of the settings file, without their keys. The file may be
readable for its owner only, and looks like this:

` + exampleProfiles + `

A profile without a key asks for it. Without a profile the key is that of the
environment variable SALEBOT_API_KEY, and the address that of SALEBOT_BASE_URL.
SALEBOT_CONFIG names another file, SALEBOT_PROFILE a profile.`,
		Example: `  salebot profiles
  salebot channels --profile shop`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := profiles.Load()
			if err != nil {
				return UsageError(err)
			}
			results, err := out.results(cmd, "name", "default", "key", "base_url", "time_zone")
			if err != nil {
				return err
			}
			for _, name := range file.Names() {
				profile := file.Profiles[name]
				key := "missing"
				if profile.Key != "" {
					key = "set"
				}
				if err := results.Write(name, name == file.Default, key, profile.BaseURL, profile.TimeZone); err != nil {
					return err
				}
			}
			if len(file.Profiles) == 0 {
				a.note(cmd, "There are no profiles in %s. The help shows how to write one: salebot profiles --help", fileName(file))
			}
			return results.Close()
		},
	}
	out.addTo(command)
	return command
}

func fileName(file *profiles.File) string {
	if file.Path == "" {
		return "the settings file"
	}
	return fmt.Sprintf("%q", file.Path)
}
