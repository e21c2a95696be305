package config

import (
	"embed"
	"strings"

	"curvestream/run/fault"
)

//go:embed recipes/*.yaml
var recipes embed.FS

// Recipes returns the names of the recipes: published or proven sets of settings.
func Recipes() []string {
	files, err := recipes.ReadDir("recipes")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".yaml")
	}
	return names
}

// Recipe returns the YAML text of a recipe.
func Recipe(name string) ([]byte, error) {
	text, err := recipes.ReadFile("recipes/" + name + ".yaml")
	if err != nil {
		return nil, fault.New(fault.Config, "config.unknown_recipe", "unknown recipe %q%s", name, DidYouMean(name, Recipes())).
			Fix("--recipe %s", strings.Join(Recipes(), " | --recipe "))
	}
	return text, nil
}
