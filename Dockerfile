# menjin in a container. Not built by the project's own checks: they have no container registry.
#
#   docker build -t menjin .
#   docker run --rm -p 127.0.0.1:8000:8000 -v menjin:/data menjin

FROM rust:1-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --release --locked -p menjin-server

FROM debian:bookworm-slim
# Authorities for TLS to PostgreSQL and Redis.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data menjin && mkdir /data && chown menjin /data
COPY --from=build /source/target/release/menjin /usr/local/bin/menjin
USER menjin
WORKDIR /
VOLUME /data
EXPOSE 8000
# Inside a container its own loopback is nobody else's.
ENV MENJIN__SERVER__HOST=0.0.0.0 MENJIN__DATABASE__URL=sqlite:///data/menjin.db
STOPSIGNAL SIGTERM
ENTRYPOINT ["menjin"]
CMD ["serve"]
