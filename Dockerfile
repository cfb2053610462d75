# The image of the daemon. Configuration: mount it at /etc/scrobbler, or point SCROBBLER_CONFIG elsewhere.
# State: one volume, /var/lib/scrobbler.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 python3-venv
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --require-hashes -r requirements-build.lock \
 && python3 -m venv /opt/scrobbler \
 && /opt/scrobbler/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY scrobbler scrobbler
COPY plugins plugins
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /opt/scrobbler/bin/pip install --quiet --no-deps --no-index /tmp/wheel/*.whl \
 && /opt/scrobbler/bin/pip uninstall --quiet --yes setuptools pip

FROM ${BASE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 7465 --user-group --no-create-home --home-dir /var/lib/scrobbler --shell /usr/sbin/nologin scrobbler \
 && install -d -m 0700 -o scrobbler -g scrobbler /var/lib/scrobbler \
 && install -d -m 0755 /etc/scrobbler
COPY --from=build /opt/scrobbler /opt/scrobbler
ENV PATH=/opt/scrobbler/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    SCROBBLER_CONFIG=/etc/scrobbler/config.yaml \
    SCROBBLER_LISTEN=0.0.0.0:7465 \
    STATE_DIRECTORY=/var/lib/scrobbler
USER scrobbler
WORKDIR /var/lib/scrobbler
VOLUME /var/lib/scrobbler
EXPOSE 7465
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["/opt/scrobbler/bin/python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['SCROBBLER_LISTEN'].rpartition(':')[2] + '/healthz', timeout=4)"]
ENTRYPOINT ["scrobbler"]
CMD ["run"]
