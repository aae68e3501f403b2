# A static program, the certificates of public authorities, and nothing else: no shell, no git, no root.
#
#   docker build -t jules-batch .
#   docker run --rm -e JULES_API_KEY -v "$PWD:/work" -u "$(id -u):$(id -g)" jules-batch run jobs.yaml
FROM rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
# For the C in the TLS library. Alpine keeps no old versions that a pin could name.
# hadolint ignore=DL3018
RUN apk add --no-cache linux-headers
WORKDIR /source
COPY . .
# The caches stay with the builder; a second build compiles what has changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --locked --release && cp target/release/jules-batch /jules-batch && mkdir /work

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /jules-batch /usr/bin/jules-batch
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/jules-batch/
# A volume takes over whose folder it is.
COPY --from=build --chown=65532:65532 /work /work
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/usr/bin/jules-batch"]
