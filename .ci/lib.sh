# What the steps share. shellcheck shell=bash

# A failure inside $( ) is one outside of it.
shopt -s inherit_errexit

golangci_version=v2.15.0
newest_go=go1.27.4
# The limit for the tests of one package, which a slow machine keeps too.
test_timeout=${TESTTIMEOUT:-60m}

# The names of tests that run without the race detector, in step kills.
slow_tests='Kill|Alloc'
# The packages whose tests run the same lines most often: to count these under the
# race detector, for tests that run at once, would take most of their time.
slow_to_cover='^github\.com/salebot-go/salebot(/internal/contract|/sqlite)?$'
# The names of tests in slow_to_cover in which it would see nothing that others do not
# show it: they look for one secret in one text after the other, start other processes, or
# do the same again and again, each time with another failure.
unwatched_tests='Canary|ReadmeBlocks|EachStep'
# How often a test of them kills a real process, if it can be told, and how many
# deaths there are to be in all.
kills=${SALEBOT_KILLS:-40}
min_deaths=1000

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

# Modules that are only for this repository, and the released ones that others
# import.
unshipped='bench|tools|examples/.*'
libraries=$(grep -vxE "$unshipped|cmd/.*" <<<"$modules")

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

# need_postgres installs the server of PostgreSQL, whose programs Debian keeps out of
# the path. The tests start servers of their own.
need_postgres() {
	if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
		need initdb postgresql
	fi
}

# copy_of_tree copies the working tree to a new folder.
copy_of_tree() {
	local copy
	copy=$(mktemp -d)
	tracked . | tar --null --files-from=- -cf - | tar -xf - -C "$copy"
	echo "$copy"
}

# run prints a command and runs it.
run() {
	echo "\$ $*" | sed "s|$PWD/||g" >&2
	"$@"
}

# run_in does so in the folder of a module.
run_in() {
	local dir=$1
	shift
	echo "$dir \$ $*" >&2
	(cd "$dir" && "$@")
}

# name_of turns the folder of a module into a part of a file's name.
name_of() {
	if [[ $1 == . ]]; then echo root; else echo "${1//\//-}"; fi
}

# packages_with lists the folders of a module's packages with a line in a test
# file, without a build tag of its own, that matches.
packages_with() {
	local root
	root=$(realpath "$2")
	(cd "$2" && go list -f '{{$dir := .Dir}}{{range .TestGoFiles}}{{$dir}}/{{.}}
{{end}}{{range .XTestGoFiles}}{{$dir}}/{{.}}
{{end}}' ./...) | sed '/^$/d' | xargs -r grep -lE "$1" | xargs -rn 1 dirname | sort -u | sed "s|^$root|.|" || true
}

# tests_summary shows of a verbose log of tests what matters: failures, skipped
# tests, a line for each package.
tests_summary() {
	grep -E '^(\$|[^ ]+ \$) ' "$1" || true
	if grep -qE '^(FAIL|panic:|fatal error:|.*: build failed)' "$1"; then
		grep -vE '^\s*(=== |--- (PASS|SKIP))|^(PASS|ok  |\?)' "$1" | tail -n 400 || true
	fi
	grep -E '^\s*--- SKIP' "$1" | sed 's/^ */skipped: /' || true
	grep -E '^(ok  |FAIL|---|\?)\s' "$1" | grep -vE '^--- (PASS|SKIP)|no test files' || true
}

# fuzz runs one target of a test program, on one processor. The engine sometimes
# fails at the end of its time because the time is over, which is no finding; a
# finding says where its input is.
fuzz() {
	local package=$1 binary=$2 target=$3 log=$4 output try cache
	cache=$(go env GOCACHE)/fuzz/salebot/$package
	mkdir -p "$cache"
	for try in 1 2 3; do
		if output=$(cd "$package" && "$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "${FUZZTIME:-1s}" \
			-test.parallel "${FUZZPARALLEL:-1}" -test.fuzzcachedir "$cache" 2>&1); then
			echo "$output" >>"$log"
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

# coverage_by_package sums up profiles in which several test programs may have
# written a block.
coverage_by_package() {
	awk '/^mode:/ { next } {
		block = $1; size[block] = $2; if ($3 > 0) hit[block] = 1
	}
	END {
		for (block in size) {
			package = block; sub(/\/[^\/]*$/, "", package)
			all[package] += size[block]; if (block in hit) covered[package] += size[block]
		}
		for (package in all) printf "%-60s %6.1f %d\n", package, 100 * covered[package] / all[package], all[package]
	}' "$@" | sort
}

# coverage_floors makes floors of coverages: one percent and one statement are
# left to chance. Given are the floors before, whose marks stay; a floor with a mark
# stays as it is if the run did not have what it is for.
coverage_floors() {
	awk -v special="$2" 'BEGIN {
		print "# What the tests cover of each package at least, in percent. Raise it with what"
		print "# you add: UPDATE_COVERAGE=1 .ci/run tests coverage. Where \"special\" stands, most of"
		print "# it is covered by step special: UPDATE_COVERAGE=1 .ci/run tests special coverage"
	}
	FNR == NR { if ($0 !~ /^#/ && $3 != "") { mark[$1] = " " $3; old[$1] = $2 } next }
	{
		floor = int($2 - 1 - 100 / $3); if (floor < 0 || $2 == 0) floor = 0
		if ($1 in mark && !special) floor = old[$1]
		printf "%-60s %5.1f%s\n", $1, floor, mark[$1]
	}' "$1" -
}

# compare_coverage prints floors and coverages, and fails if one is too low. A new
# package without a floor has to be tested well all the same, unless it is a program.
# Floors of what step special covers count if it ran.
compare_coverage() {
	awk -v special="$3" 'FNR == NR { if ($0 !~ /^#/) floor[$1] = $3 == "special" && !special ? 0 : $2; next }
	{
		note = ""
		if (!($1 in floor)) {
			note = "has no floor in .ci/coverage.txt"
			if ($2 < 50 && $1 !~ /\/(examples|cmd|bench|tools|internal\/\w*test)\//) { note = toupper(note); bad = 1 }
		}
		else if ($2 < floor[$1]) { note = "BELOW its floor of " floor[$1]; bad = 1 }
		printf "%-60s %6.1f %% %s\n", $1, $2, note
		delete floor[$1]
	}
	END {
		for (package in floor) { print package " has a floor in .ci/coverage.txt and was not seen"; bad = 1 }
		exit bad
	}' "$1" "$2"
}

# module_of prints the path of the module in a folder.
module_of() {
	(cd "$1" && GOWORK=off go list -m)
}

# tag_prefix prints what stands before the version in the tags of a module.
tag_prefix() {
	if [[ $1 != . ]]; then echo "$1/"; fi
}

# last_version prints the tag of the last version of a module, or nothing.
last_version() {
	local prefix
	prefix=$(tag_prefix "$1")
	git tag --list "${prefix}v[0-9]*.[0-9]*.[0-9]*" --sort=-version:refname --merged HEAD |
		grep -vE -- '-[^/]*$' | head -n 1 || true
}

# add_probe adds an exported function to the package in the folder of a module.
add_probe() {
	local name
	name=$(cd "$1" && GOWORK=off go list -f '{{.Name}}' .)
	printf '// Package %s has a probe.\npackage %s\n\n// ProbeOfTheStep is here to be missed.\nfunc ProbeOfTheStep() {}\n' \
		"$name" "$name" >"$1/probe_of_the_step.go"
}

# api_changes prints what is incompatible between the module in one folder and the
# same module in another. apidiff exits with 0 whatever it finds.
api_changes() {
	local old=$1 new=$2 module=$3 diff export
	diff=$(tool apidiff "golang.org/x/exp/cmd/apidiff@$apidiff_version")
	export=$(mktemp)
	# It tells on standard error which internal packages it leaves out.
	(cd "$old" && GOWORK=off "$diff" -m -w "$export" "$module") 2> >(grep -v '^Ignoring internal' >&2 || true)
	(cd "$new" && GOWORK=off "$diff" -m -incompatible "$export" "$module") 2> >(grep -v '^Ignoring internal' >&2 || true)
	rm -f "$export"
}

# compare_api compares a module with its last version. A change that breaks users
# has to be announced.
compare_api() {
	local dir=$1 module=$2 last=$3 tree report
	tree=$(mktemp -d)
	git archive "$last" | tar -xf - -C "$tree"
	report=$(api_changes "$tree/$dir" "$dir" "$module")
	rm -rf "$tree"
	if [[ -z $report ]]; then
		echo "$module is compatible with $last"
		return
	fi
	printf 'incompatible with %s:\n%s\n' "$last" "$report"
	if breaking_changes_are_announced "$dir"; then
		echo "$dir/CHANGELOG.md announces it"
		return
	fi
	echo "$dir/CHANGELOG.md does not announce it: its section \"Unreleased\" has no \"### Changed (breaking)\""
	return 1
}

# build_with_released_root builds the other libraries with the root as it was
# released last, which their users may have.
build_with_released_root() {
	local dir last tree changed
	last=$(last_version .)
	for dir in $libraries; do
		if [[ $dir == . ]]; then continue; fi
		if [[ -z $last ]]; then
			echo "NOT BUILT: $dir with a released root, since no version of the root was released"
			continue
		fi
		tree=$(mktemp -d)
		changed=$tree/with-released-root.mod
		git archive "$last" | tar -xf - -C "$tree"
		cp "$dir/go.mod" "$changed"
		cp "$dir/go.sum" "${changed%.mod}.sum"
		go mod edit -replace "github.com/salebot-go/salebot=$tree" "$changed"
		(cd "$dir" && run env GOWORK=off go build -mod=mod -modfile="$changed" ./...) || breaking_changes_are_announced . || return 1
		rm -rf "$tree"
	done
}

# breaking_changes_are_announced reports whether the changelog in a folder says so.
breaking_changes_are_announced() {
	unreleased_changes "$1" | grep -qxF '### Changed (breaking)'
}

# unreleased_changes prints the section of a folder's CHANGELOG.md that is not
# released yet.
unreleased_changes() {
	awk '/^## / { inside = tolower($0) ~ /unreleased/ } inside' "$1/CHANGELOG.md"
}
