"""STARE: Structured Analysis of the Retina, the vessel set (Hoover et al., IEEE TMI 19(3), 2000).

Photographs: 20, 605 x 700 (rows x columns), 8-bit RGB PPM, FoV of 35 degrees (TopCon TRV-50 film, scanned); 10 of them
    show pathology. Ids im0001 to im0324, with gaps.
Labels: two observers on all 20, PPM: A. Hoover (``ah``) is the usual truth, V. Kouznetsova (``vk``) drew many more of
    the thin vessels. Vessel share inside the FoV: 10.3 % (ah), 14.7 % (vk).
FoV: no official masks; estimated.
Archives: ``stare-images.tar``, ``labels-ah.tar``, ``labels-vk.tar`` from the owner's page, without login. Every member
    is packed with gzip; here the unpacked files are kept, and their sha256 is that of the unpacked bytes.
Licence: the owner states none; the files may not be passed on by this project.
Traps: no official split; leave-one-out, 10 / 10 and 16 / 4 are all in use. The background is noisy film, not black.
    Label files are called ``.ppm`` but hold one channel (PGM); readers that trust the name fail.
"""

from vesselbench.datasets.source import Source, place_by_pattern

SOURCE = Source(
    title="STARE",
    page="https://cecas.clemson.edu/~ahoover/stare/probing/",
    archives=("stare-images.tar", "labels-ah.tar", "labels-vk.tar"),
    mirror="https://codeload.github.com/sraashis/deepdyn/tar.gz/48018b62a245dd791e45d60b28068489a8c32742",
    place=place_by_pattern(  # im0001.ah.ppm.gz is labels/im0001.ppm
        r"(?P<id>im\d{4})(?P<kind>\.ah|\.vk|)(?P<ending>\.ppm)\.gz",
        {"": "images", ".ah": "labels", ".vk": "second_observer"},
    ),
)
