"""Stages side by side: DVC says which are to run and records their outputs, Dask says where, here or on a cluster.

One process plans, starts and records; workers only run commands. A stage starts when those that it needs are done and
its cores are free. When a worker dies, Dask runs its stages again on another one.
"""

import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from types import SimpleNamespace
from typing import Any

import yaml
from click import echo
from dask.system import CPU_COUNT
from distributed import Client, Future, Nanny, Scheduler, Security, SpecCluster
from dvc.exceptions import DvcException
from dvc.lock import LockError, make_lock
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.rwlock import rwlock
from dvc.stage import Stage
from dvc.stage.cache import RunCacheNotFoundError

from vesselbench.config import UserError, read_params
from vesselbench.guard import interrupt, run_command

DONE, BROKEN = {"run", "cached", "unchanged"}, {"failed", "not run"}


def start_workers(workers: int | None, per_gpu: int | None) -> SpecCluster:
    """Start one worker for each GPU of this machine, else one with all cores; ``workers`` share GPUs and cores."""
    from torch.cuda import device_count  # takes seconds

    visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(device_count()))))
    gpus = visible.split(",") if device_count() else []
    count = min(workers or len(gpus) or 1, CPU_COUNT)
    offer = {"cores": CPU_COUNT // count} | ({"gpu": per_gpu or 1} if gpus else {})
    secure = {"security": Security.temporary(), "protocol": "tls://", "host": "127.0.0.1"}  # keeps other users out
    deaf = "import signal; signal.signal(signal.SIGINT, lambda *_: None)"  # a terminal sends Ctrl-C to every process
    options = secure | {"resources": offer, "nthreads": offer["cores"], "memory_limit": 0, "preload": [deaf]}
    environments = [{"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {} for number in range(count)]
    specs = {
        name: {"cls": Nanny, "options": options | {"env": own, "silence_logs": logging.ERROR}}
        for name, own in enumerate(environments)
    }
    scheduler = {"cls": Scheduler, "options": secure | {"dashboard_address": "127.0.0.1:0"}}
    return SpecCluster(specs, scheduler, security=secure["security"], silence_logs=logging.ERROR)


def submit_workers(file: Path, jobs: int | None, per_gpu: int | None) -> AbstractContextManager:
    """Submit jobs with the arguments of dask-jobqueue in a file, or find the address of a scheduler there."""
    try:
        ((kind, value),) = yaml.safe_load(file.read_text()).items()
        if kind == "scheduler":
            return nullcontext(str(value))
        import dask_jobqueue

        queue, value = (
            getattr(dask_jobqueue, f"{kind.upper()}Cluster"),
            {"processes": 1, "worker_extra_args": []} | value,
        )
        offer = f"cores={value.get('cores', 1) // value['processes']}" + (f",gpu={per_gpu}" if per_gpu else "")
        value["worker_extra_args"] += ["--resources", offer]
        cluster = queue(**value)
    except ImportError as error:
        raise UserError(f"{file}: {kind} needs dask-jobqueue; run pip install 'vesselbench[cluster]'") from error
    except (yaml.YAMLError, AttributeError, LookupError, TypeError, ValueError) as error:
        fault = str(error).splitlines()[0].partition(". Very likely")[0]
        raise UserError(
            f"{file}: {fault}: it takes slurm, pbs, sge, lsf or scheduler with its arguments; see docs/cluster.md"
        ) from error
    cluster.scale(jobs=jobs or 1)
    return cluster


def needs_of(stage: Stage, largest: int, gpus: bool) -> Counter:
    """Count what a stage takes of a worker: cores as its recipe has threads, and a GPU where there are, else a core."""
    word, _, run = stage.addressing.partition("@")
    if word == "transfer":
        (run,) = read_params(f"transfers.{run}.weights")
    if word in ("train", "predict", "transfer"):
        (recipe,) = read_params(f"runs.{run}.recipe")
        threads = read_params(f"train.{recipe}.threads")[0] or largest  # 0: all there are
        return +Counter(cores=min(threads, largest), gpu=int(gpus))
    return Counter(cores=1)


class Run:
    """The stages of a run, each waiting, running, run, cached, unchanged, failed or not run."""

    def __init__(self, repo: Repo, client: Client, graph: Any, order: list[Stage]):
        self.repo, self.client, self.graph = repo, client, graph  # graph: from each stage to those that it needs
        self.state = dict.fromkeys(order, "waiting")
        self.jobs: dict[str, SimpleNamespace] = {}  # in the hands of Dask: needs, log, lock, since, worker
        self.faults: list[str] = []
        self.stopping, self.begun, self.events = False, monotonic(), SimpleQueue()
        self.name = f"run of {client.id}"  # unlike that of another run at the same scheduler
        client.subscribe_topic(self.name, lambda event: self.events.put((self.started, *event[1])))

    def go(self) -> None:
        """Work until nothing is left, or until Ctrl-C; a second Ctrl-C waits for nothing."""
        usual, shown = signal.signal(signal.SIGINT, lambda *_: self.events.put((self.stop,))), None
        try:
            while self.advance():
                if shown != (shown := Counter(self.state.values())):
                    self.show(shown)
                with suppress(Empty):
                    what, *about = self.events.get(timeout=2)
                    what(*about)
        finally:
            signal.signal(signal.SIGINT, usual)
            for job in self.jobs.values():
                job.lock.close()

    def advance(self) -> bool:
        """Start each stage whose time has come, or find that it need not run; return whether anything is left."""
        offers = [Counter(worker["resources"]) for worker in self.client.scheduler_info()["workers"].values()]
        free, largest = sum(offers, Counter()), max((offer["cores"] for offer in offers), default=0)
        free.subtract(sum((job.needs for job in self.jobs.values()), Counter()))
        for stage in [stage for stage, state in self.state.items() if state == "waiting" and not self.stopping]:
            before = {self.state[needed] for needed in self.graph.successors(stage)}
            needs = needs_of(stage, largest, "gpu" in free)
            if before & BROKEN:
                self.state[stage] = "not run"
            elif before <= DONE and largest and needs <= free:
                with self.recording(stage):
                    self.state[stage] = self.start(stage, needs) if stage.changed() else "unchanged"
                free.subtract(needs if self.state[stage] == "running" else ())
        return bool(self.jobs) or ("waiting" in self.state.values() and not self.stopping)

    @contextmanager
    def recording(self, stage: Stage) -> Iterator[None]:
        """Hold DVC's lock; an error within is a failure of this stage."""
        try:
            with lock_repo(self.repo), self.repo.scm_context(quiet=True):
                yield
        except (DvcException, OSError) as error:
            self.fail(stage, str(error))

    def start(self, stage: Stage, needs: Counter) -> str:
        """Do what ``dvc repro`` does until a command begins, and give the command to Dask."""
        stage.remove_outs()
        with suppress(RunCacheNotFoundError):
            self.repo.stage_cache.restore(stage)
            return self.record(stage, "cached")
        stage.save_deps()
        name, folder = stage.addressing, self.repo.tmp_dir
        log = Path(folder, f"run/{name.replace('/', '_')}.log")
        job = SimpleNamespace(needs=needs, log=log, lock=ExitStack(), since=monotonic(), worker="")
        log.write_bytes(b"")
        paths = ([entry.fs_path for entry in entries] for entries in (stage.deps, stage.outs))  # of which DVC keeps off
        job.lock.enter_context(rwlock(folder, self.repo.fs, f"vesselbench run ({name})", *paths, False))
        words = self.name, name, stage.cmd, stage.wdir, str(log), needs["cores"]
        how = {"key": f"{name}, {self.name}", "resources": dict(needs), "pure": False}
        future = self.client.submit(run_command, *words, **how)
        self.jobs[name] = job
        future.add_done_callback(lambda future: self.events.put((self.ended, stage, future)))
        return "running"

    def started(self, name: str, worker: str) -> None:
        """Say that a worker began a stage: again, if one began it before."""
        if job := self.jobs.get(name):
            again = f" again, since worker {job.worker} is gone" if job.worker else ""
            echo(f"start {name} on worker {worker}{again}; log {os.path.relpath(job.log)}")
            job.worker, job.since = worker, monotonic()

    def ended(self, stage: Stage, future: Future) -> None:
        """Record the outputs of a stage, if its command ended well."""
        if future.cancelled():
            raise ConnectionError("it is gone, and its workers with it")
        job = self.jobs.pop(stage.addressing)
        where = f"on worker {job.worker} after {monotonic() - job.since:.0f} s"
        with self.recording(stage):
            job.lock.close()
            if fault := future.exception() or (future.result() and f"exit status {future.result()}"):
                lines = job.log.read_text(errors="replace").splitlines()[-5:]
                fault = str(fault).partition(". ")[0]  # Dask goes on with advice
                self.fail(stage, "\n      ".join([f"{fault} {where}; log {os.path.relpath(job.log)}", *lines]))
            else:
                self.state[stage] = self.record(stage, "run")
                echo(f"end   {stage.addressing} {where}")

    def record(self, stage: Stage, state: str) -> str:
        """Write a stage's outputs into DVC's cache and into dvc.lock, as ``dvc repro`` does."""
        stage.save(run_cache=all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs))
        stage.commit()
        stage.dump(update_pipeline=False)
        return state

    def fail(self, stage: Stage, fault: str) -> None:
        """Note why a stage has no outputs."""
        self.state[stage] = "failed"
        self.faults.append(f"{stage.addressing}: {fault}")
        echo(f"{'stop' if self.stopping else 'fail'}  {stage.addressing}: {fault.splitlines()[0]}")

    def stop(self) -> None:
        """Pass Ctrl-C on to the stages that run."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.stopping = True
        echo(f"stopping {', '.join(self.jobs) or 'now'}; Ctrl-C again does not wait for that")
        self.client.run(interrupt, self.name)

    def show(self, count: Counter) -> None:
        """Print how far the run is, and the time left if the other stages take as long as those that ran."""
        left = (monotonic() - self.begun) / 60 * (count["waiting"] + count["running"]) / max(count["run"], 1)
        note = f", about {left:.1f} min left" if count["run"] else ""
        note = note if self.jobs or self.stopping else "; no worker offers enough cores now"
        done = sum(count[state] for state in DONE)
        echo(f"      {done} done, {count['running']} running, {count['waiting']} waiting{note}")


def run_stages(targets: tuple[str, ...], workers: int | None, file: Path | None, per_gpu: int | None) -> None:
    """Do what ``dvc repro TARGETS`` does in the working folder, side by side; UserError says what went wrong."""
    logging.getLogger("dvc").setLevel(logging.WARNING)
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        try:
            repo = Repo(_wait_for_lock=True)
            Path(repo.tmp_dir, "run").mkdir(exist_ok=True)
            stack.enter_context(make_lock(os.path.join(repo.tmp_dir, "run/lock"), tmp_dir=repo.tmp_dir))
            with lock_repo(repo):
                graph = get_active_graph(repo.index.graph)
                order = plan_repro(graph, collect_stages(repo, targets or ("dvc.yaml",)))
                stale = any(stage.changed() for stage in order)
        except LockError as error:
            raise UserError("another 'vesselbench run' works in this folder; wait for it, or stop it") from error
        except DvcException as error:
            raise UserError(f"{' '.join(targets)}: {error}; 'dvc stage list' names all stages") from error
        if not stale:
            echo(f"{len(order)} unchanged")
            return
        cluster = submit_workers(file, workers, per_gpu) if file else start_workers(workers, per_gpu)
        cluster = stack.enter_context(cluster)  # of a running scheduler its address
        try:
            client = stack.enter_context(Client(cluster, set_as_default=False))
            echo(f"dashboard (pip install bokeh): {client.dashboard_link}")
            run = Run(repo, client, graph, order)
            run.go()
        except OSError as error:
            raise UserError(f"no scheduler at {cluster}: {error}; start it, and run the same command again") from error
    echo(", ".join(f"{count} {state}" for state, count in Counter(run.state.values()).items()))
    if run.stopping:
        raise UserError("stopped; nothing half-written is left, run the same command again")
    if run.faults:
        echo("\n  ".join(["failed:", *run.faults]))
        raise UserError(f"{len(run.faults)} of {len(order)} stages failed; mend that and run the same command again")
