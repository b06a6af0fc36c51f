"""The fake cluster, as its admin API shows and changes it."""

import json
import sys
import urllib.request


class Cluster:
    """The cluster whose line of JSON, printed when it was ready, is this script's argument."""

    def __init__(self):
        ready = json.loads(sys.argv[1])
        self.pd, self.admin = ready["pd"], ready["admin"]

    def _call(self, method, path, **body):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self.admin + path, data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def post(self, path, **body):
        return self._call("POST", path, **body)

    def regions(self):
        return self._call("GET", "/cluster")["regions"]

    def region_of(self, key):
        """The region that holds a raw key."""
        last = [region for region in self.regions() if region["startKey"] <= key.hex()][-1]
        return last["id"], last["leader"], last["stores"]

    def split(self, *keys):
        self.post("/regions/split", keys=[key.decode() for key in keys])

    def move_leader(self, key):
        """The lead of the region that holds a key goes to another store."""
        region, leader, stores = self.region_of(key)
        other = next(store for store in stores if store != leader)
        self.post(f"/regions/{region}/leader", store=other)
        assert self.region_of(key)[1] == other

    def empty_of_leaders(self, store):
        """A store hands over all its leads, as an operator's tools do before they restart it."""
        for region in self.regions():
            if region["leader"] == store:
                other = next(id for id in region["stores"] if id != store)
                self.post(f"/regions/{region['id']}/leader", store=other)

    def restart(self, store):
        self.post(f"/nodes/tikv-{store}/restart")
