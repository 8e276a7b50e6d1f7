"""DRIVE: Digital Retinal Images for Vessel Extraction (Staal et al., IEEE TMI 23(4), 2004).

Photographs: 40, 584 x 565 (rows x columns), 8-bit RGB TIFF, FoV of 45 degrees and about 540 pixels across; from a
    diabetic retinopathy screening in the Netherlands (Canon CR5, 3 CCD). The owner's split: 01 to 20 test, else train.
Labels: first observer on all 40, the usual truth; second observer on the 20 test photographs only. GIF. Those of the
    second observer are palette images whose grey values are 3 and 253, not 0 and 255. Vessel share inside the FoV:
    12.5 % (train) and 12.7 % (test) by the first observer.
FoV: official masks for all 40.
Archive: ``DRIVE.zip`` from https://drive.grand-challenge.org/, which asks for a login.
Licence: the owner states terms of use on the page; the files may not be passed on by this project.
Traps: since the move to the challenge site the download holds no labels of the test photographs, neither observer's:
    with it alone nothing can be evaluated. The mirror still has the first observer's. It lacks the second observer's,
    whose row is then missing from the tables.
"""

from collections.abc import Collection

from vesselbench.datasets.source import Source, place_by_pattern


def explain(missing: Collection[str]) -> str:
    """Tell today's official download, which has no labels of the test photographs, from a damaged one."""
    if not missing or not all(path.startswith("labels/") and path[7:9] <= "20" for path in missing):
        return ""
    return (
        f"it lacks the first observer's labels of {len(missing)} test photographs, as the official download does since "
        "DRIVE moved to the challenge site; use an older DRIVE.zip; or the mirror, which has them: take this archive "
        "away and set sources.drive.mirror to true"
    )


SOURCE = Source(
    title="DRIVE",
    page="https://drive.grand-challenge.org/ (with a login; see the data sheet on what it lacks today)",
    archives=("DRIVE.zip",),
    mirror="https://codeload.github.com/sraashis/deepdyn/tar.gz/48018b62a245dd791e45d60b28068489a8c32742",
    place=place_by_pattern(  # DRIVE/test/1st_manual/01_manual1.gif is labels/01.gif
        r"DRIVE/(?:training|test)/(?P<kind>\w+)/(?P<id>\d\d)_\w+(?P<ending>\.\w+)",
        {"images": "images", "1st_manual": "labels", "2nd_manual": "second_observer", "mask": "fov"},
    ),
    describe=lambda identifier: (identifier, "train" if int(identifier) > 20 else "test"),  # one photograph a patient
    explain=explain,
)
