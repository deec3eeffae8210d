# rldoctor in a container: docker build -t rldoctor . && docker run --rm -v "$PWD/runs:/work/runs:ro" rldoctor diagnose
# The base installation reads and judges logs; --build-arg EXTRA=[train] adds what trains and examines environments.
FROM python:3.11-slim
ARG EXTRA=
COPY . /src
RUN python -m pip install --no-cache-dir -c /src/constraints.txt "/src${EXTRA}" && rm -rf /src
RUN useradd --create-home rldoctor
USER rldoctor
WORKDIR /work
ENTRYPOINT ["rldoctor"]
CMD ["diagnose"]
