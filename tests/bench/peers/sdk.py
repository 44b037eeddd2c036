"""An upload with the official SDK. Usage: sdk URL FOLDER THREADS."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from facebook_business.adobjects.adimage import AdImage
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession
from requests.adapters import HTTPAdapter


def send(path: Path) -> None:
    image = AdImage(parent_id="act_1")
    image[AdImage.Field.filename] = str(path)
    image.remote_create()


def main() -> None:
    url, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    FacebookSession.GRAPH = url
    api = FacebookAdsApi.init(access_token="sandbox-token", crash_log=False)
    # One pooled connection per thread: the default pool of 10 would close the others.
    api._session.requests.mount(url, HTTPAdapter(pool_maxsize=threads))
    paths = sorted(folder.glob("*/*.jpg"))
    if threads == 1:
        for path in paths:
            send(path)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(send, paths):
                pass


if __name__ == "__main__":
    main()
