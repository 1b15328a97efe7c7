ARG NODE=24

FROM node:${NODE}-bookworm-slim AS build
# musl makes the smallest static binary; glibc's does as well where there is no musl.
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && { apt-get install -y --no-install-recommends musl-tools || true; } \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY build.mjs wat.mjs ./
COPY src src
RUN npm run build

FROM node:${NODE}-bookworm-slim
# The command finds the manager's bundle beside itself, through the link as well.
COPY --from=build /build/dist/ /usr/local/lib/upkeep/
RUN ln -s ../lib/upkeep/upkeep /usr/local/bin/upkeep && mkdir -p /etc/service
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["upkeep", "health"]
# The base image's entrypoint is a shell script.
ENTRYPOINT []
CMD ["upkeep", "/etc/service"]
