# The steps of .ci/run, one function each, called from the root of the
# repository with -euo pipefail. shellcheck shell=bash

. .ci/lib.sh

# The first thing that a newcomer does has to work as the README says it: all
# lines of its first block of shell commands.
step_readme() {
	local commands line
	commands=$(awk '/^```sh$/ { inside = 1; next } /^```/ && inside { exit } inside' README.md)
	for line in "go run ./examples/quickstart" "go test work"; do
		if ! grep -qE "^$line( +#.*)?\$" <<<"$commands"; then
			echo "the first block of commands in README.md lacks: $line"
			return 1
		fi
	done
	while IFS= read -r line; do
		echo "\$ $line"
		bash -euo pipefail -c "$line" </dev/null
	done <<<"$commands"
}

step_format() {
	local files
	files=$(tracked '*.go' | xargs -0 gofmt -l)
	if [[ -n $files ]]; then
		printf 'not formatted by gofmt:\n%s\n' "$files"
		return 1
	fi
}

step_build() {
	local dir
	for dir in $modules; do
		echo "$dir"
		(cd "$dir" && go build ./...)
	done
}

# Files behind a build tag are checked as well, each tag by itself.
step_vet() {
	local dir tag names
	for dir in $modules; do
		echo "$dir"
		(cd "$dir" && go vet ./...)
		names=$(tags "$dir")
		for tag in $names; do
			echo "$dir, tag $tag"
			(cd "$dir" && go vet -tags "$tag" ./...)
		done
	done
}

step_lint() {
	local linter dir names root=$PWD status=0
	linter=$(tool golangci-lint "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$golangci_version")
	"$linter" config verify --config "$root/.golangci.yml"
	for dir in $modules; do
		echo "$dir"
		names=$(tags "$dir")
		(cd "$dir" && "$linter" run --config "$root/.golangci.yml" --allow-serial-runners \
			--build-tags "${names//$'\n'/,}" ./...) || status=1
	done
	return $status
}

# Each module must be complete by itself, as users get it, and the workspace must
# have all of them. "go work sync" would not do: it hands what one module needs on
# to the others, and so to the users of the root.
step_tidy() {
	local dir copy status=0
	for dir in $modules; do
		echo "$dir"
		(cd "$dir" && GOWORK=off go mod tidy -diff && GOWORK=off go build ./...) || status=1
	done
	if ! diff <(tracked 'go.mod' '*/go.mod' | xargs -0 -n 1 dirname | sort) <(sort <<<"$modules"); then
		echo "the modules of the repository (<) are not those of go.work (>)"
		status=1
	fi
	copy=$(copy_of_tree)
	(cd "$copy" && go list -deps -test work >/dev/null)
	if ! diff -u --label go.work.sum --label "go.work.sum as go completes it" go.work.sum "$copy/go.work.sum"; then
		status=1
	fi
	rm -rf "$copy"
	return $status
}

# What a user's program links must not grow by accident.
step_dependencies() {
	local packages package allowed linked surplus status=0
	packages=$(public_packages)
	for package in $packages; do
		allowed=$allowed_modules
		if [[ $package == */salebottest ]]; then allowed+="|$allowed_in_salebottest"; fi
		linked=$(GOWORK=off go list -deps -f '{{with .Module}}{{.Path}} {{.Version}}{{end}}' "$package" | sort -u)
		echo "$package links"
		sed 's/^/  /' <<<"$linked"
		surplus=$(cut -d' ' -f1 <<<"$linked" | grep -vxE "${allowed//./\\.}" || true)
		if [[ -n $surplus ]]; then
			echo "not agreed on:" $surplus
			status=1
		fi
	done
	return $status
}

# Compares with the last version. apidiff exits with 0 whatever it finds, so its
# output counts.
step_api() {
	local last module=github.com/salebot-go/salebot diff tree report
	last=$(git tag --list 'v[0-9]*.[0-9]*.[0-9]*' --sort=-version:refname --merged HEAD | grep -v -- - | head -n 1 || true)
	if [[ -z $last ]]; then
		echo "no version was released yet: there is nothing to compare with"
		return
	fi
	diff=$(tool apidiff "golang.org/x/exp/cmd/apidiff@$apidiff_version")
	tree=$(mktemp -d)
	git archive "$last" | tar -xf - -C "$tree"
	# It tells on standard error which internal packages it leaves out.
	(cd "$tree" && GOWORK=off "$diff" -m -w "$tree/old.export" "$module") 2> >(grep -v '^Ignoring internal' >&2 || true)
	report=$(GOWORK=off "$diff" -m -incompatible "$tree/old.export" "$module" 2> >(grep -v '^Ignoring internal' >&2 || true))
	rm -rf "$tree"
	if [[ -z $report ]]; then
		echo "compatible with $last"
		return
	fi
	printf 'incompatible with %s:\n%s\n' "$last" "$report"
	if unreleased_changes | grep -qxF '### Changed (breaking)'; then
		echo 'CHANGELOG.md announces it'
		return
	fi
	echo 'CHANGELOG.md does not announce it: its section "Unreleased" has no "### Changed (breaking)"'
	return 1
}

# All tests with the race detector, in random order. The whole log is kept for
# the canary; what is shown leaves out what passed.
step_tests() {
	local log=.build/ci/tests-verbose.log status=0
	go test -race -shuffle=on -v work >"$log" 2>&1 || status=$?
	if ((status != 0)); then
		grep -vE '^\s*(=== |--- (PASS|SKIP))|^(PASS|ok  |\?)' "$log" | tail -n 400 || true
	fi
	echo "skipped tests:"
	grep -E '^\s*--- SKIP' "$log" | sed 's/^ */  /' || echo "  none"
	grep -E '^(ok  |FAIL|---|\?)\s' "$log" | grep -vE '^--- (PASS|SKIP)' || true
	return $status
}

# The root module alone, with the versions that its users get, which may be older
# than those of the workspace.
step_coverage() {
	local profile=.build/ci/coverage.out
	GOWORK=off go test -coverpkg=.,./internal/... -coverprofile="$profile" ./... >.build/ci/coverage-tests.log 2>&1 ||
		{ cat .build/ci/coverage-tests.log && return 1; }
	coverage_by_package "$profile"
	go tool cover -func="$profile" | tail -n 1
	echo "every line of it: go tool cover -html=$profile"
}

# The JSON of Go's next generation must not change what is read and written.
step_jsonv2() {
	GOEXPERIMENT=jsonv2 go test . ./internal/...
}

step_fuzz() {
	local dir targets package target found=0 status=0
	for dir in $modules; do
		targets=$(fuzz_targets "$dir")
		while read -r package target; do
			if [[ -z $target ]]; then continue; fi
			found=$((found + 1))
			fuzz "$dir" "$package" "$target" || status=1
		done <<<"$targets"
	done
	echo "$found fuzz targets, ${FUZZTIME:-5s} each"
	if ((found == 0)); then
		echo "no fuzz target was found"
		return 1
	fi
	return $status
}

# Every benchmark has to run; how fast it is does not matter here.
step_bench() {
	local dir log=.build/ci/bench-verbose.log
	for dir in $modules; do
		(cd "$dir" && go test -run '^$' -bench . -benchtime 1x -timeout 10m ./...) >"$log" 2>&1 || { cat "$log" && return 1; }
		grep -cE '^Benchmark' "$log" | sed "s|\$| benchmarks in $dir|" || true
	done
}

# Tests that need a program of the system stand behind a build tag.
step_special() {
	local dir tag names packages
	for dir in $modules; do
		names=$(tags "$dir")
		for tag in $names; do
			case $tag in
			strace) need strace strace ;;
			browser) need chromium chromium ;;
			curl) need curl curl ;;
			live)
				echo "$dir, tag live: not run, it talks to the real service (step vet compiles it)"
				continue
				;;
			*)
				echo "$dir has the build tag $tag; say in step_special what it needs"
				return 1
				;;
			esac
			packages=$(tagged_packages "$dir" "$tag")
			echo "$dir, tag $tag:" $packages
			# shellcheck disable=SC2086
			(cd "$dir" && go test -tags "$tag" -count=1 $packages)
		done
	done
}

# No output of any step may show the key that the tests use.
step_canary() {
	go run ./tools/canary .build/ci/*.log
}
