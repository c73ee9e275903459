# Two images, of PyPI, Debian and Docker Hub alone:
#   docker build --target=page --tag=repose-page .
#   docker run --rm --publish=127.0.0.1:7860:7860 repose-page               the page, at http://127.0.0.1:7860
#   docker build --target=serving --tag=repose-serving .
#   docker run --rm --publish=127.0.0.1:8501:8501 repose-serving            TensorFlow Serving, REST
# Python and TensorFlow Serving go together: what TensorFlow 2.15 exports is served by 2.15.
FROM python:3.11-slim-bookworm AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 PYTHONUTF8=1 TF_CPP_MIN_LOG_LEVEL=3
# Libraries that opencv-python loads.
RUN apt-get update && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt requirements-demo.txt requirements-poses.txt requirements-sound.txt ./
RUN pip install -r requirements.txt
COPY repose_tf repose_tf
COPY data_pipeline data_pipeline
COPY experiments experiments
COPY models models

FROM base AS page
RUN pip install -r requirements.txt -r requirements-demo.txt -r requirements-sound.txt && pip install --no-deps -r requirements-poses.txt
COPY data data
COPY LICENSE README.md ./
RUN useradd --create-home repose
USER repose
EXPOSE 7860
# Arguments of `docker run` are more flags: --watermark, --max_upload_mb=5.
ENTRYPOINT ["python", "-m", "experiments.demo", "--host=0.0.0.0"]

FROM base AS export
RUN python -m experiments.export --output=/saved_model

FROM tensorflow/serving:2.15.1 AS serving
ENV TF_ENABLE_ONEDNN_OPTS=1
COPY --from=export /saved_model /models/repose/1
COPY experiments/serving/models.config experiments/serving/batching.config /config/
EXPOSE 8500 8501
# After what the image's own entry point says: --port=8500 --rest_api_port=8501 and the place of the model.
CMD ["--model_config_file=/config/models.config", "--enable_batching", \
     "--batching_parameters_file=/config/batching.config", "--rest_api_timeout_in_ms=60000"]
