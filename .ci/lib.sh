# What the steps share. shellcheck shell=bash

# A failure inside $( ) is one outside of it.
shopt -s inherit_errexit

golangci_version=v2.15.0
apidiff_version=v0.0.0-20261014143641-f0251eb4aa3e

# The modules that public packages of the root module may link besides the
# standard library. golang.org/x/net is there because of resty; the test double
# fills the mocks of httpmock.
allowed_modules='github.com/salebot-go/salebot|github.com/go-resty/resty/v2|golang.org/x/net|golang.org/x/time'
allowed_in_salebottest='github.com/jarcoal/httpmock'

# list_modules lists the folders of the modules of go.work.
list_modules() {
	go list -m -f '{{.Dir}}' | while IFS= read -r dir; do
		realpath --relative-to=. "$dir"
	done
}

# An assignment, because a command that fails within a loop's head goes unseen.
modules=$(list_modules)

# tracked lists the files of the repository that match, those that are not
# committed yet included.
tracked() {
	git ls-files -z --cached --others --exclude-standard -- "$@" |
		while IFS= read -r -d '' file; do
			if [[ -f $file ]]; then printf '%s\0' "$file"; fi
		done
}

# go_files lists the Go files of a module, without those of modules inside it.
go_files() {
	(cd "$1" && go list -e -f '{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}
{{end}}{{range .CgoFiles}}{{$dir}}/{{.}}
{{end}}{{range .TestGoFiles}}{{$dir}}/{{.}}
{{end}}{{range .XTestGoFiles}}{{$dir}}/{{.}}
{{end}}{{range .IgnoredGoFiles}}{{$dir}}/{{.}}
{{end}}' ./...) | sed '/^$/d'
}

# tags lists the build tags of a module's own that stand in //go:build lines.
tags() {
	local files platforms
	files=$(go_files "$1")
	platforms=$(go tool dist list | tr '/' '\n' | sort -u | paste -sd'|' -)
	xargs -r grep -hE '^//go:build ' <<<"$files" |
		grep -oE '[A-Za-z0-9_.]+' |
		grep -vxE "go|build|race|cgo|unix|ignore|go1\..*|goexperiment\..*|$platforms" |
		sort -u || true
}

# tagged_packages lists the packages of a module that have files behind a tag.
tagged_packages() {
	local root
	root=$(realpath "$1")
	go_files "$1" | xargs -r grep -lE "^//go:build .*\b$2\b" | xargs -rn 1 dirname | sort -u | sed "s|^$root|.|"
}

# public_packages lists the packages of the root module that others may import.
public_packages() {
	GOWORK=off go list -f '{{if ne .Name "main"}}{{.ImportPath}}{{end}}' ./... | grep -vE '/(internal|testdata|examples)(/|$)'
}

# tool installs a program once and prints where it is.
tool() {
	local name=$1 source=$2 bin=$PWD/.build/bin
	local path=$bin/$name-${source##*@}
	if [[ ! -x $path ]]; then
		echo "installing $source" >&2
		mkdir -p "$bin"
		GOBIN=$bin GOFLAGS= go install "$source" >&2
		mv "$bin/$name" "$path"
	fi
	echo "$path"
}

# need installs a Debian package unless its program is there.
need() {
	local program=$1 package=$2 sudo=()
	if command -v "$program" >/dev/null; then return; fi
	if ((EUID != 0)); then sudo=(sudo); fi
	echo "installing $package"
	{
		"${sudo[@]}" apt-get update -q
		DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -yq --no-install-recommends "$package"
	} >.build/apt.log 2>&1 || { tail -n 30 .build/apt.log && return 1; }
}

# copy_of_tree copies the working tree to a new folder.
copy_of_tree() {
	local copy
	copy=$(mktemp -d)
	tracked . | tar --null --files-from=- -cf - | tar -xf - -C "$copy"
	echo "$copy"
}

# fuzz_targets prints package and name of each fuzz target of a module.
fuzz_targets() {
	local list
	list=$(cd "$1" && go test -list '^Fuzz' ./...)
	awk '/^Fuzz/ { targets[n++] = $1 }
		/^(ok|\?|---)?[ \t]/ { for (i = 0; i < n; i++) print $2, targets[i]; n = 0 }' <<<"$list"
}

# fuzz runs one target. The engine sometimes fails at the end of its time because
# the time is over, which is no finding; a finding says where its input is.
fuzz() {
	local dir=$1 package=$2 target=$3 output try
	for try in 1 2 3; do
		if output=$(cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-5s}" "$package" 2>&1); then
			echo "$package $target: $(grep -oE 'execs: [0-9]+' <<<"$output" | tail -n 1 || true)"
			return
		fi
		if grep -qF 'Failing input written to' <<<"$output" || ! grep -qF 'context deadline exceeded' <<<"$output"; then
			break
		fi
		echo "$package $target: ended by its own time limit, attempt $try"
	done
	echo "$output"
	return 1
}

# coverage_by_package sums up a profile that several test programs may have
# written a block to.
coverage_by_package() {
	awk 'NR > 1 {
		block = $1; size[block] = $2; if ($3 > 0) hit[block] = 1
	}
	END {
		for (block in size) {
			package = block; sub(/\/[^\/]*$/, "", package)
			all[package] += size[block]; if (block in hit) covered[package] += size[block]
		}
		for (package in all) printf "%-60s %6.1f %%\n", package, 100 * covered[package] / all[package]
	}' "$1" | sort
}

# unreleased_changes prints the section of CHANGELOG.md that is not released yet.
unreleased_changes() {
	awk '/^## / { inside = tolower($0) ~ /unreleased/ } inside' CHANGELOG.md
}
