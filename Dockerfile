# campaignctl in an image that CI jobs run in: a shell, root certificates and the binary. No secret is in it or is needed to
# build it; keys come from the job's environment.
#
#   docker build --tag campaignctl:0.3.0 .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" campaignctl:0.3.0 plan --without-ledger
FROM rust:1.95-slim-trixie AS build
WORKDIR /source
COPY Cargo.toml Cargo.lock README.md ./
COPY assets assets
COPY benches benches
COPY docs docs
COPY src src
RUN cargo build --locked --profile dist --bin campaignctl

FROM debian:trixie-slim
LABEL org.opencontainers.image.title="campaignctl" \
      org.opencontainers.image.description="Campaign-as-code for Alibaba Cloud mPaaS Message Push" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /source/target/dist/campaignctl /usr/local/bin/campaignctl
COPY LICENSE CHANGELOG.md /usr/share/doc/campaignctl/
USER 65532:65532
WORKDIR /work
HEALTHCHECK NONE
ENTRYPOINT ["campaignctl"]
