"""A W&B server on this machine, as much of one as a run needs: it takes what is sent and remembers it."""

from __future__ import annotations

import gzip
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Received:
    """One run as the server got it."""

    fields: dict = field(default_factory=dict)  # of every UpsertBucket: groupName, jobType, displayName, tags, config
    history: list[dict] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    events: list[dict] = field(default_factory=list)  # what was sampled of the machine
    exit_codes: list[int] = field(default_factory=list)
    starts: int = 0

    @property
    def config(self) -> dict:
        return {key: entry["value"] for key, entry in json.loads(self.fields["config"]).items() if key != "_wandb"}

    @property
    def summary(self) -> dict:
        return json.loads(self.files["wandb-summary.json"])

    def table(self, key: str) -> dict:
        """Columns and data of a table."""
        return json.loads(self.files[self.summary[key]["path"]])

    @property
    def pictures(self) -> list[str]:
        """The keys under which it has pictures, each with its file here."""
        kept = {key: value for key, value in self.summary.items() if isinstance(value, dict)}
        images = {key: value["filenames"] for key, value in kept.items() if value.get("_type") == "images/separated"}
        assert all(file in self.files for files in images.values() for file in files)
        return sorted(images)


@dataclass
class Artifact:
    """A version of an artifact: its collection, type, aliases, metadata, the run that made it, and its files."""

    collection: str
    kind: str
    aliases: list[str]
    metadata: dict
    run: str
    files: dict[str, int] = field(default_factory=dict)  # sizes by name
    committed: bool = False


class WandbServer:
    """``with WandbServer() as server``: `url` to point a client at, `runs` by their id."""

    def __init__(self) -> None:
        self.runs: dict[str, Received] = {}
        self.artifacts: list[Artifact] = []
        self.views: list[dict] = []  # workspaces and reports
        self.uses: list[dict] = []  # of artifacts by runs
        kept = {"runs": self.runs, "artifacts": self.artifacts, "views": self.views, "uses": self.uses}
        handler = type("Handler", (_Handler,), kept)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.handle_error = lambda *_: None  # a client that left
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self) -> WandbServer:
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.http.shutdown()
        self.http.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a client of a child process log in here."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": "0" * 40, "WANDB_ENTITY": "lab", "WANDB_MODE": "online"}


class _Handler(BaseHTTPRequestHandler):
    runs: dict[str, Received]
    artifacts: list[Artifact]
    views: list[dict]
    uses: list[dict]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        pass

    def run(self, name: str) -> Received:
        return self.runs.setdefault(name, Received())

    def content(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body  # the header does not always say so

    def answer(self, value: dict, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer({}, 404)

    def do_PUT(self) -> None:
        _, kind, name, file = self.path.split("/", 3)
        if kind == "manifest":
            contents = json.loads(self.content())["contents"]
            self.artifacts[int(name)].files |= {path: entry["size"] for path, entry in contents.items()}
        elif kind == "upload":
            self.run(name).files[unquote(file)] = self.content()
        else:
            self.content()
        self.answer({})

    def do_POST(self) -> None:
        content = self.content()
        if not self.path.startswith(("/files/", "/graphql")):  # telemetry
            return self.answer({})
        body = json.loads(content or b"{}")
        if stream := re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path):
            run = self.run(stream[1])
            for file, rows in (("wandb-history.jsonl", run.history), ("wandb-events.jsonl", run.events)):
                rows += map(json.loads, body.get("files", {}).get(file, {}).get("content", []))
            if "exitcode" in body:
                run.exit_codes.append(body["exitcode"])
            return self.answer({"exitcode": None, "limits": {}})
        operation = re.search(r"(?:query|mutation)\s+(\w+)", body.get("query", ""))
        reply = getattr(self, f"on_{operation[1]}", None) if operation else None
        if reply is None:
            return self.answer({"data": {}, "errors": [{"message": "not known here"}]})
        return self.answer({"data": reply(body.get("variables") or {})})

    def on_Viewer(self, _: dict) -> dict:
        nothing = {"edges": []}
        person = {"id": "person", "entity": "lab", "username": "lab", "email": "", "admin": False, "flags": "{}"}
        return {"viewer": {**person, "teams": nothing, "apiKeys": nothing}}

    def on_ServerFeaturesQuery(self, _: dict) -> dict:
        return {"serverInfo": {"features": []}}

    def on_OrgFeatureFlags(self, _: dict) -> dict:
        return {"organization": None}

    def on_RunResumeStatus(self, variables: dict) -> dict:
        """What the server has of the run: a resumed one counts its history on from there."""
        known = self.runs.get(variables.get("name"))
        bucket = None
        if known is not None and known.starts:
            tail = json.dumps([json.dumps(row) for row in known.history[-1:]])
            summary = known.files.get("wandb-summary.json", b"{}").decode()
            counts = {"historyLineCount": len(known.history), "eventsLineCount": 0, "logLineCount": 0}
            tails = {"historyTail": tail, "eventsTail": "[]", "summaryMetrics": summary, "tags": []}
            identity = {"id": "bucket", "name": variables["name"], "config": known.fields.get("config", "{}")}
            bucket = {
                **identity,
                **counts,
                **tails,
                "displayName": known.fields.get("displayName"),
                "wandbConfig": "{}",
            }
        return {"model": {"id": "project", "name": "restore", "entity": {"id": "lab", "name": "lab"}, "bucket": bucket}}

    def on_UpsertBucket(self, variables: dict) -> dict:
        run = self.run(variables["name"])
        run.fields.update({key: value for key, value in variables.items() if value is not None})
        run.starts += "groupName" in variables and variables.get("groupName") is not None
        project = {"id": "project", "name": "restore", "entity": {"id": "lab", "name": "lab"}}
        shown = run.fields.get("displayName") or variables["name"]
        bucket = {"id": "bucket", "name": variables["name"], "displayName": shown, "description": None}
        bucket |= {"config": run.fields.get("config"), "sweepName": None, "project": project}
        return {"upsertBucket": {"bucket": {**bucket, "historyLineCount": len(run.history)}, "inserted": True}}

    def on_CreateRunFiles(self, variables: dict) -> dict:
        base = f"http://{self.headers['Host']}/upload/{variables['run']}"
        files = [{"name": name, "uploadUrl": f"{base}/{name}"} for name in variables["files"]]
        return {"createRunFiles": {"runID": "bucket", "uploadHeaders": [], "files": files}}

    def on_CreateArtifact(self, variables: dict) -> dict:
        given = variables["input"]
        aliases = [each["alias"] for each in given["aliases"]]
        metadata = json.loads(given.get("metadata") or "{}")
        kind, run = given["artifactTypeName"], given.get("runName") or ""
        self.artifacts.append(Artifact(given["artifactCollectionName"], kind, aliases, metadata, run))
        made = {"id": str(len(self.artifacts) - 1), "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
        return {"createArtifact": {"artifact": made}}

    def on_CreateArtifactManifest(self, variables: dict) -> dict:
        given = variables.get("input") or variables
        name = given.get("artifactID") or given.get("artifactId")
        file = {"id": "file", "name": "wandb_manifest.json", "displayName": "manifest", "uploadHeaders": []}
        file["uploadUrl"] = f"http://{self.headers['Host']}/manifest/{name}/wandb_manifest.json"
        return {"createArtifactManifest": {"artifactManifest": {"id": f"manifest-{name}", "file": file}}}

    def on_UpdateArtifactManifest(self, variables: dict) -> dict:
        made = self.on_CreateArtifactManifest({"artifactID": variables["artifactManifestID"].partition("-")[2]})
        return {"updateArtifactManifest": made["createArtifactManifest"]}

    def on_CreateArtifactFiles(self, variables: dict) -> dict:
        edges = []
        for spec in (variables.get("input") or variables)["artifactFiles"]:
            url = f"http://{self.headers['Host']}/content/{spec['artifactID']}/{spec['name']}"
            artifact = {"id": spec["artifactID"]}
            node = {"id": "f", "name": spec["name"], "displayName": spec["name"], "uploadUrl": url, "uploadHeaders": []}
            edges.append({"node": node | {"storagePath": None, "uploadMultipartUrls": None, "artifact": artifact}})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def on_CommitArtifact(self, variables: dict) -> dict:
        given = variables.get("input") or variables
        self.artifacts[int(given.get("artifactID") or given["artifactId"])].committed = True
        return {"commitArtifact": {"artifact": {"id": "x", "digest": ""}}}

    def on_UseArtifact(self, variables: dict) -> dict:
        self.uses.append(variables)
        return {"useArtifact": {"artifact": {"id": "x", "digest": "", "description": "", "state": "COMMITTED"}}}

    def on_UpsertView2(self, variables: dict) -> dict:
        self.views.append(variables)
        project = {"id": "project", "name": variables["projectName"], "entityName": variables["entityName"]}
        view = {key: variables.get(key) for key in ("name", "type", "displayName", "description", "spec")}
        user = {"id": "person", "username": "lab"}
        return {"upsertView": {"view": {**view, "id": "Vmlldzox", "project": project, "user": user}, "inserted": True}}

    def on_GetProjects(self, _: dict) -> dict:
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        known = {"__typename": "Project", "id": "project", "name": "restore", "entityName": "lab"}
        known |= {"createdAt": "2026-01-01T00:00:00Z", "isBenchmark": False, "user": None}
        return {"models": {"pageInfo": page, "edges": [{"node": known}]}}

    def on_upsertView(self, variables: dict) -> dict:
        return self.on_UpsertView2(variables)

    def on_MarkRunFilesUploaded(self, _: dict) -> dict:
        return {"markRunFilesUploaded": {"success": True}}

    def on_ProjectInternalId(self, _: dict) -> dict:
        return {"project": {"internalId": "UHJvamVjdDoxOjE="}}

    def on_RunState(self, _: dict) -> dict:
        return {"project": {"run": {"id": "bucket", "state": "running"}}}
