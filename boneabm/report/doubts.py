"""Sections about what a run rests on: changed parameters, weak numbers, where it came from, what it cost."""

from __future__ import annotations

from html import escape
from pathlib import Path

from boneabm.build import make_body
from boneabm.build_loads import HABIT_KINDS
from boneabm.cost import cost_of
from boneabm.endocrine.confidence import marked
from boneabm.endocrine.curves import follow
from boneabm.endocrine.drugs import find_drug
from boneabm.errors import BoneabmError
from boneabm.identity import model_version, run_identity
from boneabm.io.provenance import provenance
from boneabm.io.schema import SERIES_FURTHER
from boneabm.parameters import ParameterSet
from boneabm.report.page import duration, folded, note, number, table
from boneabm.report.record import Record
from boneabm.report.sections import escaped, listing
from boneabm.scenario import Scenario
from boneabm.sweep.folder import SweepFolder

WEAKEST = "low"
LOADING = ("activity_", "condition_", "habit_", "loading", "site_")
"""Sections of numbers that only programs of exercise look at."""


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
    scenario = record.scenario
    weak = [p for p in ParameterSet.load().rows() if _weak(p) and _in_use(p["section"], p["name"], scenario)]
    rows = [
        (f"{p['section']}.{p['name']}", f"{scenario.parameters.get(p['section'] + '.' + p['name'], p['value']):g}",
         f"{p['low']:g} to {p['high']:g}", p["unit"], f"{p['confidence']}; {p['source']}")
        for p in weak
    ]  # fmt: skip
    head = ("parameter", "value", "range", "unit", "confidence and source")
    flags = [*_drug_flags(scenario), *_effect_flags(record)]
    items = "".join(f"<li>{escaped(flag)}</li>" for flag in flags)
    listed = folded(f"{len(rows)} parameters in use that are assumed or of low confidence", listing(rows, head))
    told = note("Results that rest on these numbers are to be read as directions, not as sizes.")
    return "<h2>Low confidence</h2>" + (f"<ul>{items}</ul>" if items else "") + listed + told


def _weak(row: dict[str, object]) -> bool:
    return row["confidence"] == WEAKEST or str(row["source"]).startswith("assumed")


def _in_use(section: str, name: str, scenario: Scenario) -> bool:
    """Whether a run of this scenario looks at the parameter: of drugs and exercise only those that it names."""
    if section.startswith(LOADING):
        return scenario.week is not None and _names_load(section, scenario)
    if section != "drug":
        return True
    given = {row.drug for row in (*scenario.dose, *scenario.infusion)}
    return any(word in drug for drug in given for word in name.split("_")[:2] if len(word) > 3)


def _names_load(section: str, scenario: Scenario) -> bool:
    """Whether the program of the scenario names this section of numbers: its site, its kinds, those of its habit."""
    what, _, name = section.partition("_")
    if what == "site":
        return scenario.week is not None and name == scenario.week.site
    named = {row.kind for row in scenario.activity} | {row.kind for row in scenario.condition}
    return what not in ("activity", "condition") or name in named or name in HABIT_KINDS


def _drug_flags(scenario: Scenario) -> list[str]:
    drugs = dict.fromkeys(row.drug for row in (*scenario.dose, *scenario.infusion))
    found = [find_drug(name) for name in drugs]
    weak = [drug for drug in found if drug.confidence == WEAKEST]
    return [f"{drug.name}: low-confidence kinetics: {drug.note or drug.source}" for drug in weak]


def _effect_flags(record: Record) -> list[str]:
    """Modulators that hormone effects of low confidence move by more than 10 % on the last written day."""
    scenario = record.scenario
    if scenario is None:
        return []
    try:
        body = make_body(scenario, ParameterSet.load().override(scenario.parameters))
        body.settle(-1)
        follow(body, 0, max(record.last_day, 1))
    except BoneabmError as error:
        return [f"Hormone effects cannot be followed with this version: {error}"]
    told = "hormone effects of low confidence alone move it by the factor"
    return [f"{_meaning(name)}: {told} {factor:.2f} on the last day" for name, factor in marked(body).items()]


def _meaning(modulator: str) -> str:
    known = SERIES_FURTHER.get(modulator)
    return f"{known.meaning} ({modulator})" if known else modulator.replace("_", " ")


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

