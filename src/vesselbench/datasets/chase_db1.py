"""CHASE_DB1: Child Heart and Health Study in England (Fraz et al., IEEE TBME 59(9), 2012).

Photographs: 28, 960 x 999 (rows x columns), 8-bit RGB JPEG, FoV of 30 degrees centred on the optic disc: both eyes of
    14 children (Nidek NM-200-D). Ids 01L, 01R to 14L, 14R; the group is the child, so that no split parts two eyes.
Labels: two observers on all 28, 1-bit PNG; the first (``_1stHO``) is the usual truth. Vessel share inside the FoV:
    10.05 % (first), 9.65 % (second).
FoV: no official masks; estimated.
Archive: ``CHASEDB1.zip`` from Kingston University, without login.
Licence: CC BY 4.0, as the owner's page says.
Traps: no official split. 20 train / 8 test in order of name is common, 8 / 20 as well, and the two are not comparable.
    Photographs are brightest at the disc and dim towards the rim, some so much that a fixed threshold that suits
    STARE's grain cuts into the FoV.
"""

from vesselbench.datasets.source import Source, place_by_pattern

SOURCE = Source(
    title="CHASE_DB1",
    page="https://researchinnovation.kingston.ac.uk/en/datasets/chasedb1-retinal-vessel-reference-dataset-4/",
    archives=("CHASEDB1.zip",),
    mirror="https://codeload.github.com/sraashis/deepdyn/tar.gz/48018b62a245dd791e45d60b28068489a8c32742",
    place=place_by_pattern(  # Image_01L_1stHO.png is labels/01L.png
        r"Image_(?P<id>\d\d[LR])(?P<kind>_1stHO|_2ndHO|)(?P<ending>\.\w+)",
        {"": "images", "_1stHO": "labels", "_2ndHO": "second_observer"},
    ),
    describe=lambda identifier: (identifier[:2], ""),  # the child's number; the owner publishes no split
)
