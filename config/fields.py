"""The settings as a person writes them: names, types, limits, defaults and what each one means.

Importing this module imports pydantic-settings, which is slow; `loader` and `listing` do so
only when called.
A field whose default is None gets one that depends on the machine or on other settings, in `defaults`.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from panini_daemon.config import values
from panini_daemon.config.object_url import ObjectUrl


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Size = Annotated[int, BeforeValidator(values.parse_size)]
Seconds = Annotated[float, BeforeValidator(values.parse_duration)]
Count = Annotated[int, BeforeValidator(values.parse_count)]
Folder = Annotated[Path, BeforeValidator(values.check_folder)]
Root = Annotated[Path | ObjectUrl, BeforeValidator(values.check_root)]
Level = Literal["fast", "balanced", "best", "max", "auto"]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
Worker = Annotated[str, BeforeValidator(values.check_worker)]
Workers = Annotated[int | None, BeforeValidator(values.parse_workers)]
Method = Annotated[str, BeforeValidator(values.check_method)]
Device = Annotated[str, BeforeValidator(values.check_device)]
Token = Annotated[SecretStr, BeforeValidator(values.check_token)]
Repository = Annotated[str, BeforeValidator(values.check_repository)]
Ref = Annotated[str, BeforeValidator(values.check_ref)]
RepositoryPath = Annotated[str, BeforeValidator(values.check_repository_path)]
Url = Annotated[str, BeforeValidator(values.check_url)]
Switch = Annotated[bool, BeforeValidator(values.parse_switch)]


class Fields(BaseSettings):
    """What panini.toml, the environment and flags may set."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, validate_default=False)

    root: Root | None = Field(
        None,
        description="The folder tree that jobs are taken from and results are filed in, or a place in an object "
        "store, such as s3://BUCKET/PREFIX; by default /content/drive/MyDrive/PaniniFS where Google Drive is "
        "mounted, else ./PaniniFS.",
    )
    shared: Annotated[bool | None, BeforeValidator(values.parse_shared)] = Field(
        None,
        description="Whether other machines write to the root as well, which makes every wait long enough for a "
        "Drive folder or an object store; 'auto' looks whether it lies on Google Drive or a FUSE mount, or is "
        "an object store.",
    )
    worker: Worker | None = Field(
        None,
        description="This process's id in leases, logs and status; it must be unique to one living "
        "process, so the default is made of the host's name and a random part, kept in the "
        "spool folder so that it stays the same when the daemon starts again.",
    )
    workers: Workers = Field(
        1,
        description="How many worker processes `run` starts on this machine; they share cpu_workers and "
        "memory_budget out among themselves and take one GPU each where there are several; 'auto' is one for "
        "each GPU.",
    )
    device: Device = Field(
        "auto",
        description="Where GPU codecs run: 'cpu', 'cuda', 'cuda:<number>', or 'auto' for a GPU where there is one.",
    )
    level: Level = Field(
        "best",
        description="How much time a chunk is worth: 'fast', 'balanced', 'best' or 'max', each slower and smaller; "
        "'auto' takes the slowest of the first three at which what waits is done in the time left.",
    )
    method: Method = Field(
        "auto",
        description="The compression method, or family of methods, to use where a job asks for none; "
        "'auto' takes whichever comes out smallest at the level.",
    )
    cpu_workers: Annotated[Count, Field(ge=1, le=1024)] | None = Field(
        None,
        description="How many chunks are compressed at once on the CPU; by default one for each usable core.",
    )
    memory_budget: Annotated[Size, Field(ge=2**26)] | None = Field(
        None,
        description="How many bytes of memory work in progress may take, such as '4GiB' (at least "
        "64MiB); by default half of the memory that this machine or its container has.",
    )
    poll_min: Annotated[Seconds, Field(gt=0)] | None = Field(
        None,
        description="How long to wait before looking for jobs again just after there was one; 0.25s by default.",
    )
    poll_max: Annotated[Seconds, Field(gt=0)] | None = Field(
        None,
        description="How long that wait grows while nothing arrives; by default 2s, on a shared root 30s.",
    )
    arrival_timeout: Seconds | None = Field(
        None,
        description="How long a job waits for chunk data that its manifest names but that has not "
        "arrived; by default 10s, on a shared root 1h.",
    )
    removal_delay: Seconds | None = Field(
        None,
        description="How long a finished job's manifest and data stay in the inbox, so that a mount has "
        "uploaded the result before the original goes; by default 0s, on a shared folder 5m.",
    )
    lease_settle: Seconds | None = Field(
        None,
        description="How long a worker waits after claiming a job, so that a rival's claim has time "
        "to appear; by default 0s, on a shared folder 1m, or longer where lease_probe measures that it takes longer.",
    )
    lease_probe: Switch | None = Field(
        None,
        description="Whether workers measure how long changes take to be seen by each other, and settle for so long; "
        "by default on a shared folder where lease_settle is not set.",
    )
    lease_refresh: Annotated[Seconds, Field(gt=0)] | None = Field(
        None,
        description="How often a worker renews the lease of the job it works on; by default 10s, on a shared "
        "folder 2m, on an object store 45s.",
    )
    lease_stale: Annotated[Seconds, Field(gt=0)] | None = Field(
        None,
        description="How long a lease may go without any change before another worker takes the job "
        "over; by default 1m, on a shared folder 30m, on an object store 5m.",
    )
    lease_stop: Annotated[Seconds, Field(gt=0)] | None = Field(
        None,
        description="How long a worker that cannot renew its lease goes on before it drops the job by "
        "itself; by default three quarters of lease_stale.",
    )
    chunk_timeout: Annotated[Seconds, Field(gt=0)] = Field(
        300.0,
        description="How long one attempt at compressing or verifying a chunk may take, before what "
        "chunk_timeout_per_mib adds.",
    )
    chunk_timeout_per_mib: Seconds = Field(
        60.0, description="How much longer than chunk_timeout an attempt may take for each MiB of the chunk."
    )
    max_attempts: Annotated[Count, Field(ge=1, le=1000)] = Field(
        3, description="How often a job is tried before it is given up on and moved to failed/."
    )
    retry_delay: Seconds = Field(
        1.0,
        description="How long to wait before the second attempt; the wait doubles with every further one.",
    )
    retry_delay_max: Seconds | None = Field(
        None, description="How long the wait between attempts grows at most; 1m by default."
    )
    runtime_limit: Seconds = Field(
        0.0, description="How long the daemon runs before it finishes its work and ends; 0 sets no limit."
    )
    drain_time: Seconds = Field(
        10.0,
        description="How long work in progress may go on after the daemon was asked to stop or its time is up.",
    )
    status_interval: Annotated[Seconds, Field(ge=1)] = Field(
        10.0, description="How often the heartbeat status/<worker>.json is written; 1s at least."
    )
    log_level: LogLevel = Field(
        "info", description="The least grave events that are logged: 'debug', 'info', 'warning' or 'error'."
    )
    log_max_bytes: Annotated[Size, Field(ge=2**12)] | None = Field(
        None,
        description="How large logs/<worker>.jsonl grows before it is rotated, such as '8MiB' (at least 4KiB); by "
        "default 8MiB, on an object store, where every addition writes the whole file, 1MiB.",
    )
    log_backups: Annotated[Count, Field(ge=0, le=1000)] = Field(
        5, description="How many rotated log files are kept beside the current one."
    )
    spool: Folder | None = Field(
        None,
        description="A folder on a local disk for work in progress, never on Drive; by default "
        "panini-<user id> in the system's folder for temporary files.",
    )
    rclone_socket: Folder | None = Field(
        None,
        description="Where the root is an rclone mount: the Unix socket of its remote control (rclone mount --rc "
        "--rc-addr unix://SOCKET). Then it is known when a result has been uploaded, instead of waiting removal_delay.",
    )
    keep_limit: Size = Field(
        2**32,
        description="How much of the spool finished payloads may take, such as '4GiB', that are kept until their "
        "upload has surely arrived; 0 to keep none and compress again instead.",
    )
    dedup: Switch = Field(
        True,  # noqa: FBT003  a default
        description="Whether a chunk whose bytes the tree holds already becomes a reference to them; in a shared "
        "folder only to chunks that were filed a day before the job was made.",
    )
    github_repo: Repository | None = Field(
        None,
        description="The GitHub repository (owner/name) whose chunks are taken and that is told what became of "
        "them; also read from GITHUB_REPO. Without it GitHub is not asked.",
    )
    github_ref: Ref | None = Field(
        None, description="The branch, tag or commit that is polled; by default the repository's default branch."
    )
    github_path: RepositoryPath = Field(
        "pending_compression", description="The folder of the repository that holds the chunk trees."
    )
    github_url: Url = Field(
        "https://api.github.com",
        description="The base URL of GitHub's REST API; on GitHub Enterprise https://HOST/api/v3.",
    )
    github_poll: Seconds = Field(
        30.0,
        description="How often the repository is asked whether it changed, which costs nothing of the rate limit "
        "while it did not; 0 for never: then it is only reported to.",
    )
    github_leases: Literal["drive", "github"] = Field(
        "drive",
        description="Where leases on the repository's jobs are kept: 'drive' in the root, for workers that share "
        "it; 'github' in the repository, for workers on different roots.",
    )
    github_lease_stale: Annotated[Seconds, Field(ge=60)] = Field(
        1800.0,
        description="How long a lease in the repository lasts without renewal before another worker takes the "
        "job over; 1m at least.",
    )
    github_report: Literal["batch", "chunk", "off"] = Field(
        "batch",
        description="How the repository is told of chunks: 'chunk' sends one chunk_compressed dispatch for each, "
        "'batch' one for many, 'off' none.",
    )
    github_commit_status: Switch = Field(
        default=False, description="Whether the commit that a job came from gets a commit status with a summary."
    )
    github_metadata: Switch = Field(
        default=False,
        description="Whether this worker itself commits each chunk's new status to its metadata.json; not needed "
        "where a workflow does so.",
    )
    github_token: Token | None = Field(
        None,
        description="The access token for GitHub, from the environment only: GITHUB_TOKEN, or "
        "PANINI_GITHUB_TOKEN, which wins. It is never written anywhere.",
    )
