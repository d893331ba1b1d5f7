FROM node:26-slim AS build
WORKDIR /amphora
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --omit=optional --ignore-scripts
# The code cache is for the Node that will run: the image's own, now that the pinned one is gone.
RUN node scripts/warm-up.ts dist

FROM node:26-slim
COPY --from=build /amphora /opt/amphora
RUN ln -s /opt/amphora/bin/amphora /usr/local/bin/amphora && ln -s /opt/amphora/bin/amphora /usr/local/bin/skopeo
ENTRYPOINT ["amphora"]
