# A server, and the command line. The base is Debian's, or anything with apt and glibc: --build-arg BASE=…
# Node is the one of package-lock.json: nothing of the base's own runs but npm, once.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
RUN command -v npm >/dev/null || { \
    apt-get update && apt-get install -y --no-install-recommends ca-certificates libatomic1 npm; }
WORKDIR /opt/amphora
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts && \
    mkdir -p /out/policy && cp policy/*.json /out/policy && \
    cp -a bin dist node_modules package.json LICENSE THIRD-PARTY.md /out

FROM ${BASE}
RUN { ldconfig -p | grep -q libatomic.so.1 && test -e /etc/ssl/certs/ca-certificates.crt; } || { \
    apt-get update && apt-get install -y --no-install-recommends ca-certificates libatomic1 && \
    rm -rf /var/lib/apt/lists/*; }
COPY --from=build /out /opt/amphora
RUN ln -s /opt/amphora/bin/amphora /usr/local/bin/amphora && \
    ln -s /opt/amphora/bin/amphora /usr/local/bin/skopeo && \
    ln -s /opt/amphora/node_modules/.bin/node /usr/local/bin/node && \
    install -d -o 65532 -g 65532 -m 0700 /data
# Nothing is written anywhere else, so that the root can be read-only.
VOLUME /data
WORKDIR /data
ENV HOME=/data AMPHORA_SERVE_DATA=/data AMPHORA_SERVE_LISTEN=0.0.0.0:5000
EXPOSE 5000
USER 65532:65532
ENTRYPOINT ["amphora"]
CMD ["serve"]
