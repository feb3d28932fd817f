# syntax=docker/dockerfile:1

# Medcard's server: one static binary, no shell, no root.
#   docker build -t medcard .        docker compose up        (the second with PostgreSQL, see compose.yaml)

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION
# Without disable_grpc_modules the Firebase SDK brings gRPC along: 12 MB that nothing calls.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -tags disable_grpc_modules -trimpath -buildvcs=false -ldflags "-s -w -X main.release=$VERSION" -o /out/medcard ./app \
 && mkdir -p /out/data

# Has CA certificates (FCM), time zones and an unprivileged user, and nothing to run but what is copied here.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/medcard /medcard
COPY --from=build --chown=65532:65532 /out/data /data
# Keys live in /data too. Losing the volume loses the cards: back it up.
VOLUME /data
# A container must be reached from outside, so it refuses to start until MEDCARD_TRUSTED_PROXIES names the TLS proxy before it.
ENV MEDCARD_DATA=/data MEDCARD_LISTEN=0.0.0.0:8080
EXPOSE 8080
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["/medcard", "health"]
ENTRYPOINT ["/medcard"]
CMD ["serve"]
