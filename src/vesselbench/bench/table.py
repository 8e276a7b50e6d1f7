"""The results for people: a table in Markdown, readable as plain text too."""

from __future__ import annotations

from typing import Any

COLUMNS = ("What", "Figure", "Baseline", "Ratio", "Target")


def markdown(results: dict[str, Any]) -> str:
    """Write title, table and notes."""
    about, peak, memory = results["settings"], results["peak"], results["memory"]
    size = f"{memory['bytes'] / 1e6:,.0f} MB" if memory else "not measured"
    rows = [
        *_training_rows(results),
        *_prediction_rows(results),
        _row("Peak memory of patched prediction", size, target=_target(results, "memory_megabytes")),
        *_evaluation_rows(results),
        *(_row(f"Matrix product, {name}", f"{value:,.0f} GFLOP/s") for name, value in peak["gflops"].items()),
        *(_row(f"Share of it that {name} reaches", _percent(value)) for name, value in peak["shares"].items()),
    ]
    title = f"# Speed on {about['device']}" + (", quick run: the figures mean nothing" if results["quick"] else "")
    return "\n".join([title, "", *_table(rows), "", *_notes(results)]) + "\n"


def _training_rows(results: dict[str, Any]) -> list[list[str]]:
    steps, share = results["training"]["steps"], results["training"]["drawing"]["share"]
    rows = [
        _row(f"Training step, {step['name']}", _rate(step), _rate(steps[0]), f"{step['ratio']:.2f}") for step in steps
    ]
    rows[0][2:4] = ["", ""]
    rows[-1][4] = _target(results, "training_ratio", "training_patches_per_second")
    drawing = _row("Drawing patches, of that step", _percent(share), target=_target(results, "drawing_percent"))
    return [*rows, drawing]


def _prediction_rows(results: dict[str, Any]) -> list[list[str]]:
    found, (height, width) = results["prediction"], results["settings"]["image"]
    what = f"Patched prediction, {found['patches']:,} patches at stride {found['stride']}"
    target = _target(results, "prediction_ratio", "prediction_patches_per_second")
    rows = [_row(what, _rate(found["product"]), _rate(found["naive"]), f"{found['ratio']:.2f}", target)]
    for image in found["images"]:
        how = f"stride {image['stride']}, {image['patches']:,} patches" if image["stride"] else "whole, one pass"
        seconds = _seconds(image["seconds"]) + (", computed" if image["computed"] else "")
        rows.append(_row(f"Image of {height} x {width}, {how}", seconds))
    rows[1][4] = _target(results, "image_seconds")
    return rows


def _evaluation_rows(results: dict[str, Any]) -> list[list[str]]:
    found = results["evaluation"]
    seconds, segments, size = found["seconds"], found["segments"], found["bytes"]
    what = f"Evaluation of {found['images']} maps, all protocols, {found['draws']:,} draws, one core"
    sweep, labelling = _seconds(segments["sweep"]), _seconds(segments["labelling"])
    memory = f"{size / 1e6:,.0f} MB" if size else "not measured"
    return [
        _row(what, _seconds(seconds["all"]), target=_target(results, "evaluation_seconds")),
        _row("Peak memory of evaluation", memory, target=_target(results, "evaluation_megabytes")),
        _row("Segments of a map at 256 thresholds, one sweep", sweep, labelling, f"{segments['ratio']:.1f}"),
    ]


def _notes(results: dict[str, Any]) -> list[str]:
    about, memory = results["settings"], results["memory"]
    train, predict, network = about["training"], about["prediction"], about["network"]
    lines = [
        f"- Threads: {about['threads']} ({about['instructions']}), vesselbench {about['vesselbench']}, "
        f"torch {about['torch']}, Python {about['python']}.",
        f"- {network['name']}, width {network['width']}, {network['iterations']} iterations, random weights; patches "
        f"of {about['patch']} x {about['patch']}. Training: {train['batch']} patches a step, {train['precision']}; "
        f"prediction: {predict['batch']} patches at a time, {predict['precision']}.",
        "- Baselines: training with torch's own dropout, fp32, contiguous, Adam one tensor at a time, patches given; "
        "prediction in fp32, contiguous, patch by patch. The quickest of a few repeats counts, on either side.",
        "- Seconds an image: network and averaging, without files; computed: patches / (patches/s).",
        "- Segments, baseline: labelling at each threshold. Memory of evaluation: of its process, libraries included.",
        f"- Peak memory of prediction: beyond libraries and weights, over {memory['rows']} rows of patches."
        if memory
        else "",
        f"- A forward pass of a patch is {results['peak']['forward_gflop']:.4g} GFLOP, a training step three of them; "
        f"shares are of the matrix product in the same precision ({results['peak']['matrix']:,} rows and columns).",
    ]
    return [line for line in lines if line]


def _row(what: str, figure: str, baseline: str = "", ratio: str = "", target: str = "") -> list[str]:
    return [what, figure, baseline, ratio, target]


def _target(results: dict[str, Any], *names: str) -> str:
    held = [results["targets"][name] for name in names if name in results["targets"]]
    return "; ".join(f"{one['target']}: {'met' if one['met'] else 'missed'}" for one in held)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _rate(measured: dict[str, float]) -> str:
    rate = measured["patches_per_second"]
    return f"{rate:,.{0 if rate >= 100 else 1 if rate >= 10 else 2}f} patches/s"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:,.3g} ms" if seconds < 1 else f"{seconds:,.{0 if seconds >= 100 else 1}f} s"


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in (COLUMNS, *rows)) for column in range(len(COLUMNS))]
    ruler = ["-" * width for width in widths]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (COLUMNS, ruler, *rows)
    ]
