"""LES-AV: arteries and veins in photographs of a glaucoma clinic (Orlando et al., MICCAI 2018).

Photographs: 22, 8-bit RGB PNG: 21 of 1444 x 1620 (rows x columns), FoV of 30 degrees; 34 of 1958 x 2196, 45 degrees.
    Ids 12 to 586, with gaps. The owner publishes no split; the one here is that of BF-Net's repository, 11 train
    and 11 test, made by hand: it follows no rule.
Labels: RGB PNG: red artery, blue vein, green crossing, white uncertain, black background. Shares inside the FoV, in the
    order of these colours: 4.78, 5.04, .16, .21 % (train), 3.83, 4.59, .12, .32 % (test). The owner's maps of arteries
    and of veins, not taken here, tell what they mean: nearly all green pixels are in both, no white one is in either.
FoV: official masks for all 22, palette images of 0 and 1; 32 vessel pixels lie outside.
Archive: ``LES-AV.zip`` from figshare, without login.
Licence: "Any commercial usage is forbidden", scientific use, to be cited (its README; the page says GPL).
Traps: two sizes in one set: recipes that stack photographs must fit them. The owner's vessel maps, not taken here,
    differ from the coloured labels in 750 pixels. Some copies have green and white exchanged.
"""

from vesselbench.datasets.source import Source, place_by_pattern

TRAIN = ("12", "15", "33", "34", "37", "42", "49", "53", "90", "111", "119")

SOURCE = Source(
    title="LES-AV",
    page="https://figshare.com/articles/dataset/LES-AV_dataset/11857698",
    archives=("LES-AV.zip",),
    mirror="https://codeload.github.com/rmaphoh/Learning_AVSegmentation/tar.gz/361c603fab8eb1b0c0ff1702083cb5b6fdaaedd6",
    place=place_by_pattern(  # LES-AV/masks/12_mask.gif is fov/12.gif
        r"LES-AV/(?P<kind>images|masks|arteries-and-veins)/(?P<id>\d+)(?:_mask)?(?P<ending>\.\w+)",
        {"images": "images", "masks": "fov", "arteries-and-veins": "artery_vein"},
    ),
    describe=lambda identifier: (identifier, "train" if identifier in TRAIN else "test"),
)
