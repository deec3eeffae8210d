# rldoctor in a container: docker build -t rldoctor . && docker run --rm -v "$PWD/runs:/work/runs:ro" rldoctor diagnose
# The base installation reads and judges logs; --build-arg EXTRA=[train] adds what trains and examines environments.
FROM python:3.11-slim
ARG EXTRA=
# What the wheel is built from; a COPY copies what is in a folder, not the folder.
COPY pyproject.toml README.md LICENSE constraints.txt /src/
COPY rldoctor /src/rldoctor
COPY checks /src/checks
COPY reference_curves /src/reference_curves
RUN python -m pip install --no-cache-dir -c /src/constraints.txt "/src${EXTRA}" && rm -rf /src
# Reports can be written to /work, unless a folder that belongs to somebody else is mounted over it.
RUN useradd --create-home rldoctor && install --directory --owner rldoctor /work
USER rldoctor
WORKDIR /work
ENTRYPOINT ["rldoctor"]
CMD ["diagnose"]
