# A node in a container. Build it at the root of the repository:
#
#   docker build -t brookmere .
#   docker run -p 127.0.0.1:4566:4566 -v brookmere:/data brookmere
#
# It listens for others, so it verifies signatures: of the credential that it makes at its first start, shows once in
# its log, and keeps in /data/credentials.
FROM node:22-bookworm-slim AS console
WORKDIR /src/internal/console/web
COPY internal/console/web/package.json internal/console/web/package-lock.json ./
RUN npm ci
COPY internal/console/web ./
RUN node build.mjs

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=console /src/internal/console/dist internal/console/dist
# DuckDB is linked in, so the program needs the C and C++ libraries of the system that it runs on.
RUN CGO_ENABLED=1 go build -trimpath -ldflags='-s -w -extldflags=-Wl,--exclude-libs,ALL' -o /out/brookmere ./cmd/brookmere && mkdir /out/data

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libstdc++6 python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin brookmere
COPY --from=build /out/brookmere /usr/local/bin/brookmere
COPY --from=build --chown=10001:10001 /out/data /data
USER 10001:10001
VOLUME /data
EXPOSE 4566
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:4566/_brookmere/health', timeout=2)"]
ENTRYPOINT ["brookmere"]
CMD ["up", "--data", "/data", "--listen", "0.0.0.0:4566"]
