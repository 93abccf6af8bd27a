"""Sections about what a run rests on: changed parameters, weak numbers, where it came from, what it cost."""

from __future__ import annotations

from html import escape
from pathlib import Path

from boneabm.analysis.doubts import doubted_drugs, doubts, weak_parameters, why_doubted
from boneabm.cost import cost_of
from boneabm.errors import BoneabmError
from boneabm.identity import model_version, run_identity
from boneabm.io.provenance import provenance
from boneabm.parameters import ParameterSet
from boneabm.report.page import duration, folded, note, number, table
from boneabm.report.record import Record
from boneabm.report.sections import escaped, listing
from boneabm.sweep.folder import SweepFolder


def parameters(record: Record) -> str:
    """Parameters that differ from the packaged values."""
    if record.scenario is None:
        return "<h2>Changed parameters</h2><p>No scenario is stored with this run.</p>"
    rows = []
    packaged = ParameterSet.load()
    for name, value in record.scenario.parameters.items():
        try:
            known = packaged[name]
        except BoneabmError:
            rows.append([name, number(value), "not a parameter of this version", "", "", ""])
            continue
        span = f"{known.low:g} to {known.high:g}"
        rows.append([name, f"{value:g}", f"{known.value:g}", span, known.unit, f"{known.confidence}; {known.source}"])
    head = ("parameter", "value", "default", "range", "unit", "confidence and source of the default")
    body = listing(rows, head) if rows else "<p>None: all have their default values.</p>"
    return "<h2>Changed parameters</h2>" + body + _defaults_since(record)


def _defaults_since(record: Record) -> str:
    """Parameters whose default is another one now than when the run was made."""
    meta = record.volumes.meta if record.volumes else {}
    used = dict(line.split(" = ", 1) for line in str(meta.get("parameters", "")).splitlines() if " = " in line)
    changed = record.scenario.parameters if record.scenario else {}
    rows = []
    for row in ParameterSet.load().rows():
        name = f"{row['section']}.{row['name']}"
        then = used.get(name, "").split(" ")[0]
        if then and name not in changed and _differs(then, row["value"]):
            rows.append([name, then, f"{row['value']:g}", row["unit"]])
    if not rows:
        return ""
    told = note("These defaults were other ones when the run was made. Run again before comparing it with newer runs.")
    return listing(rows, ("default changed since", "in this run", "now", "unit")) + told


def _differs(then: str, now: float) -> bool:
    try:
        return float(then) != now
    except ValueError:
        return False


def confidence(record: Record) -> str:
    """What is assumed or poorly known among the numbers that this run uses."""
    if record.scenario is None:
        return ""
    used = ParameterSet.load().override(record.scenario.parameters)
    weak = doubted_drugs(record.scenario)
    rows = [(f"the drug {name}", "", "", "", f"low; {why_doubted(name)}") for name in weak]
    rows += [
        (f"{p['section']}.{p['name']}", f"{p['value']:g}", f"{p['low']:g} to {p['high']:g}", p["unit"],
         f"{p['confidence']}; {p['source']}")
        for p in weak_parameters(record.scenario, used)
    ]  # fmt: skip
    head = ("parameter", "value", "range", "unit", "confidence and source")
    items = "".join(f"<li>{escaped(line)}</li>" for line in told_doubts(record))
    listed = folded(f"{len(rows)} parameters in use that are assumed or of low confidence", listing(rows, head))
    told = note(
        "Results that rest on these numbers are to be read as directions, not as sizes. m_rankl and the like are "
        "modulators of what cells do, 1 at reference."
    )
    return "<h2>Low confidence</h2>" + (f"<ul>{items}</ul>" if items else "") + listed + told


def told_doubts(record: Record) -> list[str]:
    """What the run told at its end about weak evidence, else what it would tell; nothing without a scenario."""
    told, scenario = record.told("finished").get("doubts"), record.scenario
    if told is not None:
        return [str(line) for line in told]
    if scenario is None:
        return []
    try:
        return doubts(scenario, ParameterSet.load().override(scenario.parameters)).lines()
    except BoneabmError as error:
        return [f"What rests on low confidence cannot be told with this version: {error}"]


def origin(record: Record) -> str:
    """Versions, seed, hashes, lineage."""
    meta = record.volumes.meta if record.volumes else {}
    made, done, kept = record.told("created"), record.told("finished"), record.checkpoint()
    then = str(meta.get("model_version", "") or kept.get("model_version", ""))
    other = "" if not then or then == model_version() else f" (this page: {model_version()}, another version)"
    versions = [f"{key.removeprefix('version_')} {meta[key]}" for key in sorted(meta) if key.startswith("version_")]
    seed = str(meta.get("seed", "")) or (str(record.scenario.simulation.seed) if record.scenario else "")
    state = str(done.get("state_sha256", "") or kept.get("state_sha256", ""))
    rows = [
        ["run folder", f"<code>{escaped(record.label)}</code>"],
        ["begun", escaped(made.get("utc", "–"))],
        ["versions", escaped(", ".join(versions)) or "–"],
        ["version of the model", f"<code>{escaped(then) or '–'}</code>{escaped(other)}"],
        ["seed", escaped(seed) or "–"],
        ["run id (hash of scenario, seed and model)", _run_id(record, then)],
        ["hash of the last stored state", f"<code>{escaped(state) or '–'}</code>"],
        ["first state", escaped(_lineage(record)) or "–"],
        ["command", f"<code>{escaped(meta.get('command', '')) or '–'}</code>"],
        ["platform", escaped(meta.get("platform", "–"))],
        ["this page", escaped(f"boneabm {provenance(command=())['version_boneabm']}, model {model_version()}")],
    ]
    return "<h2>Provenance</h2>" + table([], rows, "words") + _scenario_text(record)


def _run_id(record: Record, then: str) -> str:
    """Hash of the content; of a run of another version it cannot be told."""
    if record.scenario is None or then != model_version():
        return "– (only the version that made the run can tell)"
    try:
        return f"<code>{escape(run_identity(record.scenario))}</code>"
    except (BoneabmError, OSError, KeyError):
        return "– (the image or the parent run is not here)"


def _lineage(record: Record) -> str:
    steps = record.told("origin").get("lineage", [])
    named = [(step.get("kind", ""), step.get("key") or step.get("run") or "", step.get("day")) for step in steps]
    return ", then ".join(f"{kind} {name}, day {day}" for kind, name, day in named)


def _scenario_text(record: Record) -> str:
    file = record.path / "scenario.toml"
    if not file.exists():
        return ""
    text = file.read_text(encoding="utf-8", errors="replace")
    return folded("The resolved scenario", f"<pre><code>{escaped(text)}</code></pre>")


def cost(record: Record) -> str:
    """Wall time with its shares, memory and disk."""
    done, kept = record.told("finished"), record.checkpoint()
    wall_s = done.get("wall_s", kept.get("wall_s"))
    shares = done.get("phase_s") or {}
    peak_mb = done.get("peak_mb") or _peak_of_sweep(record)
    until = "" if done else ", until the last checkpoint"
    rows = [["wall time", duration(float(wall_s)) + until if wall_s else "–"]]
    rows.append(["largest memory of the process", f"{number(peak_mb)} MB" if peak_mb else _expected_memory(record)])
    rows.append(["size of the run folder", f"{number(folder_mb(record.path))} MB"])
    if record.told("resumed"):
        count = sum(line.get("event") == "resumed" for line in record.log)
        rows.append(["resumed", f"{count} times"])
    total = sum(shares.values())
    if total:
        most = sorted(shares.items(), key=lambda item: -item[1])[:6]
        rows.append(["shares", ", ".join(f"{escaped(name)} {100 * s / total:.0f} %" for name, s in most)])
    return "<h2>Cost</h2>" + table([], rows, "words")


def _peak_of_sweep(record: Record) -> float | None:
    """Runs of sweeps have it in their result."""
    return (SweepFolder(record.path.parent.parent).result(record.path.name) or {}).get("peak_mb")


def _expected_memory(record: Record) -> str:
    """Runs tell their memory at their end; before that there is an estimate."""
    expected = cost_of(record.scenario, ParameterSet.load()) if record.scenario else None
    return "not recorded" + (f"; about {expected.memory_mb:.0f} MB expected" if expected else "")


def folder_mb(path: Path) -> float:
    """Size of the files of a folder, MB."""
    return sum(file.stat().st_size for file in path.iterdir() if file.is_file()) / 1e6

