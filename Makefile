# The few commands that people use. CI runs .ci/run, which does all of it and more.
.PHONY: build test race lint generate bench

build: ## the command, into ./gradus
	CGO_ENABLED=0 go build -o gradus ./cmd/gradus

test: ## the README's test command
	go test ./...

race: ## the same with the race detector
	go test -race ./...

lint: ## what CI checks besides the tests
	test -z "$$(gofmt -l .)"
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

generate: ## the assembly of internal/kernel
	go generate ./internal/kernel

bench: ## benchmarks of the packages; compare two runs with benchstat
	go test -run '^$$' -bench . -count 10 ./...
