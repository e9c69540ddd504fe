# The few commands that people use. CI runs .ci/run, which does all of it and more.
.PHONY: build test race lint generate bench release

build: ## builds ./gradus
	CGO_ENABLED=0 go build -o gradus ./cmd/gradus

test: ## runs the README's test command
	go test ./...

race: ## runs the same with the race detector
	go test -race ./...

lint: ## checks what CI checks besides the tests
	test -z "$$(gofmt -l .)"
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

generate: ## generates the assembly of internal/kernel
	go generate ./internal/kernel

bench: ## runs the benchmarks of the packages; compare two runs with benchstat
	go test -run '^$$' -bench . -count 10 ./...

# A commit and a Go version give the same bytes in any clone.
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
release: ## builds static binaries without symbols into dist/, with their SHA-256 sums
	rm -rf dist && mkdir dist
	for p in $(PLATFORMS); do \
		os=$${p%/*}; arch=$${p#*/}; file=dist/gradus-$$os-$$arch; \
		if [ $$os = windows ]; then file=$$file.exe; fi; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch GOAMD64=v1 GOARM64=v8.0 go build -trimpath -buildvcs=true -ldflags='-s -w' -o $$file ./cmd/gradus || exit 1; \
	done
	cd dist && sha256sum gradus-* > SHA256SUMS
