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
	run go build work
	build_with_released_root
	# Other systems and a machine of 32 bits: types only, a compiler would take a
	# hundred times as long.
	run go run ./tools/platforms windows/386 darwin/arm64 -- work
}

# Files behind a build tag are checked as well, each tag by itself.
step_vet() {
	local dir tag names packages
	run go vet work
	for dir in $modules; do
		names=$(tags "$dir")
		for tag in $names; do
			packages=$(tagged_packages "$dir" "$tag")
			# shellcheck disable=SC2086
			run_in "$dir" go vet -tags "$tag" $packages
		done
	done
}

step_lint() {
	local linter dir names patterns=()
	linter=$(tool golangci-lint "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$golangci_version")
	run "$linter" config verify
	for dir in $modules; do
		patterns+=("./$dir/...")
		names+=$(tags "$dir" | sed 's/^/,/')
	done
	# One run for all modules: what they share is read once.
	run "$linter" run --allow-serial-runners --build-tags "${names//$'\n'/}" "${patterns[@]}"
}

# Each module must be complete by itself, as users get it, and the workspace must
# have all of them. "go work sync" would not do: it hands what one module needs on
# to the others, and so to the users of the root.
step_tidy() {
	local dir copy status=0
	for dir in $modules; do
		echo "$dir"
		# That it can be built by itself is seen by step tests.
		(cd "$dir" && GOWORK=off go mod tidy -diff) || status=1
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

# Compares the API of each library with its last version. What cannot be compared
# is said; that the tool would notice something is tried out on every library.
step_api() {
	local dir module last tree report status=0
	tree=$(copy_of_tree)
	for dir in $libraries; do
		module=$(module_of "$dir")
		add_probe "$tree/$dir"
		report=$(api_changes "$tree/$dir" "$dir" "$module")
		if [[ $report != *ProbeOfTheStep* ]]; then
			printf '%s: a function that was taken out went unnoticed: %s\n' "$dir" "$report"
			status=1
		fi
		last=$(last_version "$dir")
		if [[ -z $last ]]; then
			echo "NOT COMPARED: $module has no released version (no tag $(tag_prefix "$dir")v*)"
			continue
		fi
		compare_api "$dir" "$module" "$last" || status=1
	done
	rm -rf "$tree"
	return $status
}

# All tests with the race detector, in random order, each module by itself with
# the versions that its users get. The same run tells what is covered, but for the
# packages for which both at once would take five times as long. The whole log is
# kept for the canary; what is shown leaves out what passed.
step_tests() {
	local dir log watched covers packages slow status=0
	mkdir -p .build/ci/cover
	for dir in $modules; do
		log=$PWD/.build/ci/tests-$(name_of "$dir")-verbose.log
		covers=$PWD/.build/ci/cover/$(name_of "$dir")
		# What nobody runs in a service needs no race detector.
		watched=-race
		if grep -qxE "$unshipped" <<<"$dir"; then watched=; fi
		packages=$(cd "$dir" && go list ./... | grep -vE "$slow_to_cover")
		slow=$(cd "$dir" && go list ./... | grep -E "$slow_to_cover" || true)
		{
			# shellcheck disable=SC2086
			test_module "$dir" "$slow_tests" $watched -coverpkg=./... -coverprofile="$covers.out" $packages || status=$?
			if [[ -n $slow ]]; then
				# shellcheck disable=SC2086
				test_module "$dir" "$slow_tests|$unwatched_tests" $watched $slow || status=$?
				# shellcheck disable=SC2086
				test_module "$dir" "$slow_tests" -coverpkg=./... -coverprofile="$covers-slow.out" $slow || status=$?
			fi
		} >"$log" 2>&1
		tests_summary "$log"
	done
	return $status
}

# test_module runs tests of a module by itself, in random order, but for those whose
# names match.
test_module() {
	local dir=$1 skipped=$2
	shift 2
	(cd "$dir" && run env GOWORK=off go test -shuffle=on -v -timeout "$test_timeout" -skip "$skipped" "$@")
}

# What the run of step tests covered, and step special if it ran, must not be less
# than .ci/coverage.txt says.
step_coverage() {
	local profiles=(.build/ci/cover/*.out) special= floors
	if [[ ! -f ${profiles[0]} ]]; then
		echo "step tests writes what this step reads: .ci/run tests coverage"
		return 1
	fi
	if compgen -G '.build/ci/cover/special-*.out' >/dev/null; then
		special=yes
	else
		echo "NOT COMPARED: what step special covers, which did not run"
	fi
	coverage_by_package "${profiles[@]}" >.build/ci/coverage.txt
	if [[ -n ${UPDATE_COVERAGE:-} ]]; then
		floors=$(coverage_floors .ci/coverage.txt "$special" <.build/ci/coverage.txt)
		echo "$floors" >.ci/coverage.txt
	fi
	compare_coverage .ci/coverage.txt .build/ci/coverage.txt "$special"
}

# What kills processes again and again, and what counts allocations: without the
# race detector, which would spoil the one and take most of the other's time. A
# death is one of a real process, or of a client in memory at one of its steps; the
# tests say how many there were.
step_kills() {
	local dir packages log deaths status=0
	rm -f .build/ci/kills-*-verbose.log
	for dir in $modules; do
		packages=$(packages_with "^func Test\w*($slow_tests)" "$dir")
		if [[ -z $packages ]]; then continue; fi
		log=.build/ci/kills-$(name_of "$dir")-verbose.log
		# shellcheck disable=SC2086
		run_in "$dir" env SALEBOT_KILLS="$kills" go test -v -count=1 -timeout "$test_timeout" -run "$slow_tests" $packages >"$log" 2>&1 || status=$?
		tests_summary "$log"
	done
	deaths=$(grep -ohE '\bdeaths: [0-9]+' .build/ci/kills-*-verbose.log | awk '{ sum += $2 } END { print sum + 0 }')
	echo "deaths in all tests: $deaths, $min_deaths at least are wanted"
	((deaths >= min_deaths)) || status=1
	return $status
}

# The newest Go, whose JSON is of another generation than that of the oldest Go that
# is supported, must not change what is read and written.
step_newest() {
	local log=.build/ci/newest-verbose.log status=0
	run env GOTOOLCHAIN="$newest_go" go test -v -timeout "$test_timeout" -skip "$slow_tests|Canary|Readme|Bulk|Example" \
		. ./internal/... ./webhook >"$log" 2>&1 || status=$?
	tests_summary "$log"
	return $status
}

# Each fuzz target for a moment, on one processor; FUZZTIME=10m makes it a search.
step_fuzz() {
	local dir packages package binary target found=0 status=0 log=.build/ci/fuzz-verbose.log
	binary=$(mktemp -d)/fuzz.test
	for dir in $modules; do
		packages=$(packages_with '^func Fuzz' "$dir")
		for package in $packages; do
			# shellcheck disable=SC2094
			(cd "$dir/$package" && go test -c -fuzz . -o "$binary" .)
			for target in $(cd "$dir/$package" && "$binary" -test.list '^Fuzz'); do
				found=$((found + 1))
				fuzz "$dir/$package" "$binary" "$target" "$log" || status=1
			done
		done
	done
	rm -rf "$(dirname "$binary")"
	echo "$found fuzz targets, ${FUZZTIME:-1s} each"
	if ((found == 0)); then
		echo "no fuzz target was found"
		return 1
	fi
	return $status
}

# Every benchmark has to run; how fast it is does not matter here.
step_bench() {
	local dir packages log
	for dir in $modules; do
		packages=$(packages_with '^func Benchmark' "$dir")
		if [[ -z $packages ]]; then continue; fi
		log=.build/ci/bench-$(name_of "$dir")-verbose.log
		# shellcheck disable=SC2086
		run_in "$dir" go test -run '^$' -bench . -benchtime 1x -timeout "$test_timeout" $packages >"$log" 2>&1 ||
			{ cat "$log" && return 1; }
		grep -cE '^Benchmark' "$log" | sed "s|\$| benchmarks in $dir|" || true
	done
}

# The tests of the page run axe-core, which looks for what keeps people from using it.
fetch_axe() {
	if [[ -e .build/axe/package/axe.min.js ]]; then return; fi
	need npm npm
	mkdir -p .build/axe
	(cd .build/axe && npm pack --silent axe-core@4.14.1 && tar xzf axe-core-4.14.1.tgz) >.build/axe.log 2>&1 ||
		{ tail -n 30 .build/axe.log && return 1; }
}

# Tests that need a program of the system stand behind a build tag.
step_special() {
	local dir tag names packages log profile cover status=0
	for dir in $modules; do
		names=$(tags "$dir")
		for tag in $names; do
			case $tag in
			strace) need strace strace ;;
			unshare) need unshare util-linux ;;
			browser) need chromium chromium && fetch_axe ;;
			curl) need curl curl ;;
			postgres) need_postgres && need unshare util-linux ;;
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
			log=.build/ci/special-$tag-$(name_of "$dir")-verbose.log
			profile=$PWD/.build/ci/cover/special-$tag-$(name_of "$dir").out
			mkdir -p .build/ci/cover
			# The tests of this tag are nearly all that its module has.
			cover=()
			if [[ $tag == postgres ]]; then cover=(-coverpkg=./... "-coverprofile=$profile"); fi
			# shellcheck disable=SC2086
			run_in "$dir" go test -v -tags "$tag" -count=1 -timeout "$test_timeout" "${cover[@]}" $packages >"$log" 2>&1 || status=$?
			tests_summary "$log"
		done
	done
	return $status
}

# A release in a copy of what is committed: tags, requirements, and a stranger who
# gets the libraries and installs the programs. The version is one that nobody has.
step_release() {
	run go run ./tools/release v0.999.0
}

# No output of any step may show the key that the tests use; the logs have the
# whole output of the tests, with what the runtime prints.
step_canary() {
	run go run ./tools/canary .build/ci/*.log
}
